import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {expectNothingLeft, openFolder, ours, startResponder} from '../../integration/exec/support.js'
import {backends} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.runIf(backends.some(({name}) => name === 'real'))('a detached job on Consul', () => {
  it('is removed together with its answers after its retention time, even if neither an initiator nor a responder is running', {
    timeout: 90_000,
  }, async () => {
    await using folder = await openFolder()
    await using agent = await backends.find(({name}) => name === 'real')!.start()
    await using client = createClient({address: agent.address})
    const initiator = createInitiator(client, {keys: [ours.key], via: 'native', killAfterMs: 100})
    {
      await using _responder = await startResponder(agent.address, {node: 'r1', stateDirectory: folder.path})
      const times = {keepMs: 10_000, windowMs: 200}
      await initiator.detach({command: {kind: 'shell', line: 'echo kept'}}, {names: ['r1']}, times)
      await waitUntil(async () => (await initiator.list())[0]?.endedCount === 1, {what: 'the node to end'})
    }
    expect(await initiator.list()).toMatchObject([{endedCount: 1}])
    await waitUntil(async () => (await initiator.list()).length === 0, {what: 'Consul', timeoutMs: 60_000})
    await expectNothingLeft(client)
  })
})
