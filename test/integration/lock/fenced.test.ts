import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'

describe.each(backends)('the methods of holds and mutexes, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})

  it.each(['mutex', 'semaphore'])('commit writes while a %s is held, but not once it is lost', async kind => {
    await using client = createClient({address: agent.address})
    const consul = raw(agent.address)
    const options = {prefix: `${leaks.prefix}${kind}`}
    const lock = kind === 'mutex' ? createMutex(client, options) : createSemaphore(client, {...options, limit: 2})
    await using hold = await lock.acquire()
    const key = `${leaks.prefix}data`
    const write = (text: string) => hold.commit([{verb: 'set', key, value: Buffer.from(text)}])
    expect(await write('one')).toMatchObject({committed: true})
    const stale = await hold.commit([{verb: 'check-index', key, index: 1n}])
    expect(stale).toMatchObject({committed: false, errors: [{opIndex: 0}]})
    await consul.sessionDestroy(hold.session)
    await expect(write('late')).rejects.toMatchObject({code: 'BATON_LOCK_LOST'})
    expect((await consul.kvGet(key))?.value).toBe('one')
    await consul.kvDelete(key)
    await hold.release()
    // The `.lock` key of a semaphore remains when its last holder has lost it.
    await consul.kvDelete(`${options.prefix}/.lock`)
  })

  it('remainingMs counts down to the abort of the signal, and is 0 after the release', async () => {
    await using client = createClient({address: agent.address})
    const hold = await createMutex(client, {prefix: `${leaks.prefix}left`}).acquire()
    expect(hold.remainingMs()).toBeGreaterThan(0)
    expect(hold.remainingMs()).toBeLessThanOrEqual(24_000)
    await hold.release()
    expect(hold.remainingMs()).toBe(0)
  })

  it('holder names the session and the program that hold a mutex', async () => {
    await using client = createClient({address: agent.address})
    const mutex = createMutex(client, {prefix: `${leaks.prefix}who`, command: 'job'})
    expect(await mutex.holder()).toBeUndefined()
    await using hold = await mutex.acquire()
    expect(await mutex.holder()).toMatchObject({session: hold.session, record: {command: 'job', pid: process.pid}})
  })
})
