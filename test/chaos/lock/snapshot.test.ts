import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const [real] = backends.filter(backend => backend.name === 'real')

describe.runIf(real !== undefined)('a mutex whose datacenter is restored from a snapshot', () => {
  const agent = sharedAgent(real!)
  const url = () => `${agent.address}/v1/snapshot`
  const save = async (): Promise<ArrayBuffer> => (await fetch(url())).arrayBuffer()
  const restore = async (snapshot: ArrayBuffer): Promise<void> => {
    expect((await fetch(url(), {method: 'PUT', body: snapshot})).status).toBe(200)
  }

  it('is lost if the snapshot is older than the hold, and the next holder has a higher token', async () => {
    await using client = createClient({address: agent.address})
    const mutex = createMutex(client, {prefix: 'snapshot/older'})
    const before = await save()
    const hold = await mutex.acquire()
    await restore(before)
    await waitUntil(() => hold.signal.aborted, {what: 'the loss', timeoutMs: 30_000})
    expect(await hold.release()).toMatchObject({lock: 'lost'})
    const next = await mutex.acquire({timeoutMs: 60_000})
    expect(next.token).toBeGreaterThan(hold.token)
    await next.release()
  })

  it('stays held if the snapshot contains the hold, with the same token', async () => {
    await using client = createClient({address: agent.address})
    let proofs = 0
    const mutex = createMutex(client, {
      prefix: 'snapshot/newer',
      observer: event => {
        if (event.type === 'lease.renewed') proofs += 1
      },
    })
    const hold = await mutex.acquire()
    const during = await save()
    await raw(agent.address).kvPut('snapshot/other', 'later')
    await restore(during)
    expect(await raw(agent.address).kvGet('snapshot/other')).toBeUndefined()
    const proofsBefore = proofs
    await waitUntil(() => proofs > proofsBefore + 1, {what: 'further proofs', timeoutMs: 30_000})
    await hold.assertHeld()
    expect((await raw(agent.address).kvGet(hold.key))?.session).toBe(hold.session)
    expect(await hold.release()).toMatchObject({lock: 'released'})
    const next = await mutex.acquire({timeoutMs: 60_000})
    expect(next.token).toBeGreaterThan(hold.token)
    await next.release()
  })
})
