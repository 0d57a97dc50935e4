import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {runPrefix, standingKey} from '../../../src/exec/native/layout.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy, type SeenRequest} from '../../kit/http-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {expectNothingLeft, followRun, openFolder, ours, startResponder} from './support.js'

describe.each(backends)('a responder on $name', backend => {
  const agent = sharedAgent(backend)
  const isRead = ({method, path}: SeenRequest): boolean =>
    method === 'GET' && /\/kv\/baton\/exec\/v1\/(jobs|ctl)\//.test(path)

  it('is not woken by writes to other keys or by output of other jobs, idle or while it runs a job', async () => {
    await using folder = await openFolder()
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: agent.address})
    const reads = (): number => proxy.requests.filter(isRead).length
    /** Writes are spread over more than a second, because a reader that they wake reads at most ten times a second. */
    const writeElsewhere = async (): Promise<void> => {
      for (let at = 0; at < 60; at += 1) {
        await client.kv.put(at % 2 === 0 ? `app/${at}` : `${runPrefix('other')}${at}`, Buffer.from('x'))
        await client.clock.sleep(25)
      }
      await client.kv.deleteTree(runPrefix('other'))
    }
    await using _responder = await startResponder(proxy.address, {node: 'idle', stateDirectory: folder.path})
    await waitUntil(async () => (await client.kv.get(standingKey)).value, {what: 'the standing key'})
    await waitUntil(() => proxy.requests.some(one => isRead(one) && one.path.includes('index=')), {
      what: 'the responder to wait for jobs',
    })
    const whileIdle = reads()
    await writeElsewhere()
    expect(reads() - whileIdle).toBeLessThan(3)

    const line = `while [ ! -e ${folder.path}/go ]; do sleep 0.05; done`
    const initiator = createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000, via: 'native'})
    await using run = await initiator.run({command: {kind: 'shell', line}}, {node: '^idle$'})
    const readsControl = (): boolean => proxy.requests.some(one => isRead(one) && /\/ctl\/.*index=/.test(one.path))
    await waitUntil(readsControl, {what: 'the responder to wait for a cancel'})
    const whileRunning = reads()
    await writeElsewhere()
    expect(reads() - whileRunning).toBeLessThan(3)
    await run[Symbol.asyncDispose]()
    expect((await followRun(run)).outcomes).toEqual({idle: 'cancelled'})
    await expectNothingLeft(client)
  })
})
