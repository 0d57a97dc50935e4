import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {replayFile} from '../../../src/exec/native/replay-store.js'
import {backends} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {openFolder, ours, startResponder} from './support.js'

describe.each(backends.slice(0, 1))('a responder on $name', backend => {
  it('can be stopped while Consul does not accept its results, and reports the job after its restart', {
    timeout: 40_000,
  }, async () => {
    await using folder = await openFolder()
    const agent = await backend.start()
    await using client = createClient({address: agent.address})
    const responder = await startResponder(agent.address, {node: 'offline', stateDirectory: folder.path})
    const initiator = createInitiator(client, {keys: [ours.key], via: 'native', killAfterMs: 100})
    await initiator.detach({command: {kind: 'shell', line: 'sleep 60'}}, {names: ['offline']})
    await waitUntil(async () => (await initiator.list())[0]?.runningCount === 1, {what: 'the job to run'})
    await agent[Symbol.asyncDispose]()
    await responder[Symbol.asyncDispose]()
    const record = readFileSync(join(folder.path, 'offline', replayFile), 'utf8')
    expect(record).not.toContain('"end":true')
  })
})
