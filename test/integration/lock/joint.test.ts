import {afterEach, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import type {Hold, LockEvent, LockOptions} from '../../../src/lock/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('several mutexes acquired together on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const open: AsyncDisposable[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]()
  })
  const consul = () => raw(agent.address)
  const at = (name: string): string => `${leaks.prefix}${name}`
  const holderOf = async (name: string) => (await consul().kvGet(`${at(name)}/.lock`))?.session

  /** Creates a contender that does not wait for other contenders on this host. */
  async function contender(names: readonly [string, ...string[]], options: Partial<LockOptions> = {}) {
    const proxy = await HttpProxy.start(agent.address)
    const client = createClient({address: proxy.address})
    open.push(proxy, client)
    const events: LockEvent[] = []
    const [prefix, ...also] = names.map(at) as [string, ...string[]]
    const observer = (event: LockEvent): void => void events.push(event)
    const mutex = createMutex(client, {prefix, also, observer, lockDelayMs: 3000, graceMs: 500, ...options})
    return {...mutex, proxy, events, seen: (type: string) => events.some(event => event.type === type)}
  }

  it('are acquired by one write, whose index is the token of each of them, and released by one write', async () => {
    const hold = await (await contender(['b', 'c', 'a'])).acquire()
    expect(hold.keys).toEqual(['b', 'c', 'a'].map(name => `${at(name)}/.lock`))
    for (const name of ['a', 'b', 'c']) {
      const entry = await consul().kvGet(`${at(name)}/.lock`)
      expect(entry).toMatchObject({session: hold.session, modifyIndex: Number(hold.token)})
    }
    await hold.assertHeld()
    expect(await hold.commit([{verb: 'set', key: at('written'), value: 'x'}])).toMatchObject({committed: true})
    expect(await hold.release()).toMatchObject({lock: 'released', error: undefined})
    expect(await consul().kvKeys(leaks.prefix)).toEqual([at('written')])
    await consul().kvDelete(at('written'))
  })

  it('are not acquired while one of them is held elsewhere, and acquired when it is free', async () => {
    const other = await (await contender(['b'])).acquire()
    const both = await contender(['a', 'b'])
    expect(await both.tryAcquire()).toBeUndefined()
    const hold = both.acquire()
    await waitUntil(() => both.seen('lock.waiting'), {what: 'the contender to wait'})
    const holder = expect.stringContaining(`(${at('b')}/.lock)`) as string
    expect(both.events).toContainEqual(expect.objectContaining({type: 'lock.waiting', reason: 'held', holder}))
    expect(await holderOf('a')).toBeUndefined()
    const alone = await (await contender(['a'])).acquire()
    await other.release()
    await alone.release()
    const {session} = await hold
    expect([await holderOf('a'), await holderOf('b')]).toEqual([session, session])
    await (await hold).release()
  })

  it('are not acquired while a lock-delay runs for one of them', async () => {
    const other = await (await contender(['b'])).acquire()
    await consul().sessionDestroy(other.session)
    const both = await contender(['a', 'b'])
    const hold = await both.acquire()
    expect(both.events).toContainEqual(expect.objectContaining({type: 'lock.waiting', reason: 'lock-delay'}))
    await hold.release()
    await other.release()
  })

  it('are all lost and released if one of them is lost, which is named', async () => {
    const hold = await (await contender(['a', 'b', 'c'])).acquire()
    await consul().kvDelete(`${at('b')}/.lock`)
    await waitUntil(() => hold.signal.aborted, {what: 'the loss'})
    expect(String(hold.signal.reason)).toContain(`${at('b')}/.lock: its key was deleted, and its session still exists`)
    expect(await hold.release()).toMatchObject({lock: 'lost'})
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it('are handed to the first contenders of their queues', async () => {
    const both = await contender(['a', 'b', 'c'])
    const hold = await both.acquire()
    const next = await Promise.all(['a', 'b'].map(name => contender([name])))
    const holds = next.map(one => one.acquire())
    const entries = async () => (await consul().kvKeys(leaks.prefix)).filter(key => key.includes('.queue/'))
    await waitUntil(async () => (await entries()).length === 2, {what: 'both queues'})
    await hold.release()
    expect(both.events.filter(event => event.type === 'lock.handed-over')).toHaveLength(2)
    await Promise.all(holds.map(async one => (await one).release()))
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it('are released although the first contender of a queue has left', async () => {
    const both = await contender(['a', 'b'])
    const hold = await both.acquire()
    // This entry was deleted after the holder had read the queue.
    const next = await contender(['a'])
    const stop = new AbortController()
    const given = expect(next.acquire({signal: stop.signal})).rejects.toThrow('enough')
    const entries = async () => (await consul().kvKeys(leaks.prefix)).filter(key => key.includes('.queue/'))
    await waitUntil(async () => (await entries()).length === 1, {what: 'the queue'})
    let isFirst = true
    both.proxy.on({path: '/v1/txn', body: /"unlock"/}, () => {
      if (!isFirst) return 'pass'
      isFirst = false
      stop.abort(new Error('enough'))
      return {status: 409, body: '{"Results":null,"Errors":[{"OpIndex":0,"What":"failed index check"}]}'}
    })
    expect(await hold.release()).toMatchObject({lock: 'released'})
    await given
    expect([await holderOf('a'), await holderOf('b')]).toEqual([undefined, undefined])
  })

  it('cause no deadlock, and are never held twice, whatever the order in which contenders name them', async () => {
    const inside = new Map<string, number>()
    const faults: string[] = []
    const sets = [['a', 'b'], ['b', 'a'], ['b', 'c'], ['c', 'a'], ['a']] as const
    const loop = async (names: readonly [string, ...string[]]): Promise<void> => {
      const one = await contender(names)
      for (let run = 0; run < 3; run += 1) {
        await one.withLock(async () => {
          for (const name of names) {
            if (inside.get(name) === 1) faults.push(name)
            inside.set(name, 1)
          }
          await new Promise(resolve => setTimeout(resolve, 10))
          for (const name of names) inside.set(name, 0)
        })
      }
    }
    await Promise.all(sets.map(loop))
    expect(faults).toEqual([])
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it('must be different keys, at most 15, and no semaphores', async () => {
    await using client = createClient({address: agent.address})
    expect(() => createMutex(client, {prefix: 'a', also: ['b', '/a']})).toThrow('named twice')
    const also = Array.from({length: 15}, (_, index) => `k${index}`)
    expect(() => createMutex(client, {prefix: 'a', also})).toThrow('at most 15 keys')
    expect(() => createMutex(client, {prefix: 'a', also: ['//b']})).toThrow(/key/)
    expect(() => createSemaphore(client, {prefix: 'a', limit: 2, also: ['b']})).toThrow('a semaphore cannot')
  })

  it('can be 15', async () => {
    const names = Array.from({length: 15}, (_, index) => `k${index}`) as [string, ...string[]]
    const holder = await contender(names)
    const hold: Hold = await holder.acquire()
    const next = await Promise.all(names.map(name => contender([name])))
    const holds = next.map(one => one.acquire())
    const entries = async () => (await consul().kvKeys(leaks.prefix)).filter(key => key.includes('.queue/'))
    await waitUntil(async () => (await entries()).length === 15, {what: 'all queues', timeoutMs: 30_000})
    expect(await hold.release()).toMatchObject({lock: 'released', error: undefined})
    await Promise.all(holds.map(async one => (await one).release()))
  })
})
