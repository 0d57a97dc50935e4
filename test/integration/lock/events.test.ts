import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import type {LockEvent} from '../../../src/lock/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('the events of a lock, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})

  it('of each acquisition reach its own observer, and all of them reach that of the lock', async () => {
    await using client = createClient({address: agent.address})
    const seen = {all: [] as string[], holder: [] as string[], waiter: [] as string[], tried: [] as string[]}
    const into =
      (list: string[]) =>
      (event: LockEvent): void =>
        void list.push(event.type)
    const mutex = createMutex(client, {prefix: `${leaks.prefix}m`, observer: into(seen.all)})
    const holder = await mutex.acquire({observer: into(seen.holder)})
    expect(await mutex.tryAcquire({observer: into(seen.tried)})).toBeUndefined()
    const waiting = mutex.withLock(async () => {}, {observer: into(seen.waiter)})
    const queue = () => raw(agent.address).kvKeys(`${leaks.prefix}m/.queue/`)
    await waitUntil(async () => (await queue()).length > 0, {what: 'the second acquisition to wait'})
    await holder.release()
    await waiting
    expect(seen.holder).toEqual(['session.created', 'lock.acquired', 'lock.handed-over', 'lock.released'])
    expect(seen.tried).toEqual(['session.created', 'lock.waiting'])
    expect([...new Set(seen.waiter)]).toEqual(['session.created', 'lock.waiting', 'lock.acquired', 'lock.released'])
    expect(seen.all.toSorted()).toEqual([...seen.holder, ...seen.waiter, ...seen.tried].toSorted())
  })
})
