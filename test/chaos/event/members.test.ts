import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {seenOf, until, watchMembers} from '../../integration/event/member-lines.js'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import type {ConsulServer} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'

describe('membership handlers in a cluster whose agents die', () => {
  let cluster: ConsulCluster
  beforeAll(async () => {
    cluster = await startCluster({servers: 1, clients: 2, config: {performance: {raft_multiplier: 1}}})
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  it('run when an agent fails, returns and is forced to leave, as the event handlers of Serf do', async () => {
    const [returner, lost] = cluster.clients as [ConsulServer, ConsulServer]
    await using watch = await watchMembers(cluster.address)
    await Promise.all([returner.kill(), lost.kill()])
    await until(watch, returner.node, ['member-failed'])
    await until(watch, lost.node, ['member-failed'])
    await returner.restart()
    // Without this request, the node would reconnect only at its next attempt, up to half a minute
    // later.
    await raw(returner.address).ok('PUT', `/v1/agent/join/${cluster.servers[0]!.lanAddress}`)
    await until(watch, returner.node, ['member-failed', 'member-join'])
    await raw(cluster.address).ok('PUT', `/v1/agent/force-leave/${lost.node}`)
    await until(watch, lost.node, ['member-failed', 'member-leave'])
    expect([seenOf(watch, returner.node), seenOf(watch, lost.node)]).toEqual([
      ['member-failed', 'member-join'],
      ['member-failed', 'member-leave'],
    ])
    expect(seenOf(watch, cluster.servers[0]!.node)).toEqual([])
  })
})
