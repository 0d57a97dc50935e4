import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {ResponderEvent} from '../../../src/exec/responder/responder.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'
import {followRun, openFolder, ours, startResponder} from './support.js'

describe.each(backends)('a responder whose trusted keys cannot be read, on $name', backend => {
  const agent = sharedAgent(backend)

  it('names the unreadable file in the refusal of a job, and in its health check', async () => {
    await using folder = await openFolder()
    await using client = createClient({address: agent.address})
    const initiator = createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000})
    const trust = async (): Promise<never> => {
      throw new Error('the disk is gone')
    }
    const events: ResponderEvent[] = []
    const options = {node: 'blind', stateDirectory: folder.path, trust, ttlMs: 1000}
    await using _blind = await startResponder(agent.address, {...options, observer: event => events.push(event)})
    await using run = await initiator.run({command: {kind: 'shell', line: 'true'}}, {node: '^blind$'})
    const [refused] = (await followRun(run)).summary.nodes
    expect(refused?.outcome).toMatchObject({
      type: 'refused',
      code: 'trust-unreadable',
      reason: expect.stringContaining('disk is gone') as string,
    })
    expect(events.map(event => event.type)).toEqual(['trust.failed', 'responder.registered'])
    // Reads the agent instead of the catalog, because a changed output with the same status reaches the catalog only
    // minutes later.
    await waitUntil(
      async () => JSON.stringify(await raw(agent.address).get('/v1/agent/checks')).includes('disk is gone'),
      {
        what: 'the health check to say it',
      },
    )
  })
})
