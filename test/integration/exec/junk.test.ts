import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {createJobId} from '../../../src/exec/native/job-id.js'
import {jobKey, jobsPrefix, standingKey} from '../../../src/exec/native/layout.js'
import {jobLimit} from '../../../src/exec/responder/job-list.js'
import type {ResponderEvent} from '../../../src/exec/responder/responder.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {followRun, openFolder, ours, startResponder} from './support.js'

describe.each(backends)('keys below jobs/ that are not jobs, on $name', backend => {
  const agent = sharedAgent(backend)

  it('do not keep a responder from running new jobs, and are reported once when they appear and once when they are gone', async () => {
    await using folder = await openFolder()
    await using client = createClient({address: agent.address})
    const keys = Array.from({length: jobLimit + 60}, (_, at) => jobKey(createJobId(Date.now() - 60_000 - at)))
    for (let at = 0; at < keys.length; at += 64) {
      const batch = keys.slice(at, at + 64)
      await client.txn.commit(batch.map(key => ({verb: 'set' as const, key, value: Buffer.from('junk')})))
    }
    const ignored: number[] = []
    const observer = (event: ResponderEvent): void => {
      if (event.type === 'jobs.ignored') ignored.push(event.count)
    }
    await using _responder = await startResponder(agent.address, {node: 'busy', stateDirectory: folder.path, observer})
    await waitUntil(() => ignored.length > 0, {what: 'the junk to be reported'})
    const initiator = createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000, via: 'native'})
    await using run = await initiator.run({command: {kind: 'shell', line: 'true'}}, {node: '^busy$'})
    expect((await followRun(run)).outcomes).toEqual({busy: 'ok'})
    for (const key of (await client.kv.keys(jobsPrefix)).value) if (key !== standingKey) await client.kv.delete(key)
    await waitUntil(() => ignored.at(-1) === 0, {what: 'the responder to look at every job again'})
    expect(ignored).toHaveLength(2)
  })
})
