import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'

const serf =
  'coordinate_resets encrypted event_queue event_time failed health_score intent_queue left member_time members ' +
  'query_queue query_time'

describe.each(backends)('the runtime figures of $name', backend => {
  const agent = sharedAgent(backend)

  it('include all figures that `consul info` prints', async () => {
    const {Stats} = (await raw(agent.address).get('/v1/agent/self')) as {Stats: Record<string, Record<string, string>>}
    const names = Object.entries(Stats).map(([group, figures]) => [group, Object.keys(figures).sort().join(' ')])
    expect(Object.fromEntries(names)).toMatchObject({
      agent: 'check_monitors check_ttls checks services',
      consul: 'acl bootstrap known_datacenters leader leader_addr server',
      raft:
        'applied_index commit_index fsm_pending last_contact last_log_index last_log_term last_snapshot_index ' +
        'last_snapshot_term latest_configuration latest_configuration_index num_peers protocol_version ' +
        'protocol_version_max protocol_version_min snapshot_version_max snapshot_version_min state term',
      runtime: 'arch cpu_count goroutines max_procs os version',
      serf_lan: serf,
      serf_wan: serf,
    })
  })
})
