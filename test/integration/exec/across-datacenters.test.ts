import {afterEach, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {InitiatorOptions} from '../../../src/exec/initiator/options.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {expectNothingLeft, type Followed, followRun, openFolder, ours, startResponder} from './support.js'

const patient = {ackTimeoutMs: 20_000}

describe.each(backends)('exec on another datacenter of $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2'], config: {disable_remote_exec: false}})
  let client: ConsulClient

  beforeAll(() => {
    client = createClient({address: agent.address, datacenter: 'dc2'})
    return () => client[Symbol.asyncDispose]()
  })
  afterEach(() => expectNothingLeft(client))

  const exec = async (line: string, options: Partial<InitiatorOptions> = {}): Promise<Followed> => {
    const initiator = createInitiator(client, {keys: [ours.key], ...patient, ...options})
    await using run = await initiator.run({command: {kind: 'shell', line}})
    return await followRun(run)
  }

  it('reaches the responders of that datacenter only', async () => {
    await using folder = await openFolder()
    const options = {stateDirectory: folder.path}
    await using _near = await startResponder(agent.address, {...options, node: 'near'})
    await using _far = await startResponder(agent.addresses.get('dc2')!, {...options, node: 'far'})
    const {outcomes, output} = await exec('echo "$BATON_EXEC_NODE"', {via: 'native'})
    expect(outcomes).toEqual({far: 'ok'})
    expect(output).toEqual({far: 'far\n'})
  })

  // Skipped on the embedded agent, because only Consul's own agents run `_rexec` jobs.
  if (backend.name !== 'real') return

  it('reaches the agents of that datacenter only', async () => {
    const {outcomes} = await exec('echo hello', {via: 'rexec'})
    expect(Object.values(outcomes)).toEqual(['ok'])
    expect(Object.keys(outcomes)[0]).toMatch(/dc2/)
  })
})
