import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {expectNothingLeft, followRun, openFolder, ours, startResponder} from './support.js'

describe.each(backends)('a job that ignores TERM, on $name', backend => {
  const agent = sharedAgent(backend)

  it('is killed at once by `kill`, even while it is being cancelled', async () => {
    await using folder = await openFolder()
    await using client = createClient({address: agent.address})
    await using _responder = await startResponder(agent.address, {node: 'stubborn', stateDirectory: folder.path})
    const initiator = createInitiator(client, {keys: [ours.key], killAfterMs: 50_000, ackTimeoutMs: 20_000})
    const stop = new AbortController()
    const line = `trap 'echo asked >>${folder.path}/asked' TERM; echo $$ >>${folder.path}/pid; while :; do sleep 0.05; done`
    await using run = await initiator.run({command: {kind: 'shell', line}}, {node: '^stubborn$'}, {signal: stop.signal})
    await waitUntil(() => folder.lines('pid').length > 0, {what: 'the job to run'})
    stop.abort()
    await waitUntil(() => folder.lines('asked').length > 0, {what: 'the job to be asked to stop'})
    run.kill()
    expect((await followRun(run)).outcomes).toEqual({stubborn: 'cancelled'})
    expect(() => process.kill(Number(folder.lines('pid')[0]), 0)).toThrow(/ESRCH/)
    await expectNothingLeft(client)
  })
})
