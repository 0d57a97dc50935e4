import {afterEach, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import type {SessionId} from '../../../src/core/types.js'
import {createMutex} from '../../../src/lock/mutex.js'
import type {Hold, LockEvent, LockOptions} from '../../../src/lock/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const mutexFlags = '3304740253564472344'

describe.each(backends)('the queue of a mutex on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const open: AsyncDisposable[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]()
  })
  const consul = () => raw(agent.address)
  const key = () => `${leaks.prefix}q/.lock`
  const entries = async () => {
    const all = await consul().kvList(`${leaks.prefix}q/.queue/`)
    return all.sort((one, other) => one.createIndex - other.createIndex)
  }

  /**
   * Creates a contender that reaches the agent at an address of its own, so that it does not wait for other contenders
   * on this host.
   */
  async function contender(options: Partial<LockOptions> = {}) {
    const proxy = await HttpProxy.start(agent.address)
    const client = createClient({address: proxy.address})
    open.push(proxy, client)
    const events: LockEvent[] = []
    const observer = (event: LockEvent): void => void events.push(event)
    const mutex = createMutex(client, {prefix: `${leaks.prefix}q`, observer, graceMs: 1000, ...options})
    return {...mutex, proxy, events, seen: (type: string) => events.some(event => event.type === type)}
  }
  interface Waiter {
    readonly one: Awaited<ReturnType<typeof contender>>
    readonly hold: Promise<Hold>
    readonly stop: AbortController
  }

  /** Starts waiting contenders, one after another. */
  async function line(count: number, options: Partial<LockOptions> = {}) {
    const waiters: Waiter[] = []
    const before = (await entries()).length
    for (let at = before; at < before + count; at += 1) {
      const one = await contender(options)
      const stop = new AbortController()
      const hold = one.acquire({signal: stop.signal})
      hold.catch(() => {})
      await waitUntil(async () => (await entries()).length === at + 1, {what: `a queue of ${at + 1}`})
      waiters.push({one, hold, stop})
    }
    return waiters
  }
  /** Ends a contender whose requests were cut off. */
  async function endCutOff({one, hold, stop}: Waiter): Promise<void> {
    one.proxy.heal()
    stop.abort(new Error('cut off'))
    await expect(hold).rejects.toThrow('cut off')
  }
  const heldBy = async () => (await consul().kvGet(key()))?.session

  it('keeps the order in which contenders entered it, and hands the lock over without releasing it in between', async () => {
    const first = await (await contender()).acquire()
    const waiters = await line(4)
    const created = (await entries()).map(entry => entry.session)
    const order: string[] = []
    const tokens = [first.token]
    const seen = new Set<string | undefined>()
    const over = new AbortController()
    const watching = (async () => {
      while (!over.signal.aborted) seen.add(await heldBy())
    })()
    const runs = waiters.map(async ({hold}) => {
      const held = await hold
      order.push(held.session)
      tokens.push(held.token)
      if (order.length === waiters.length) {
        // A read that is still under way would see the lock free after the last release.
        over.abort()
        await watching
      }
      await held.release()
    })
    await first.release()
    await Promise.all(runs)
    expect(order).toEqual(created)
    expect(tokens).toEqual([...tokens].sort((one, other) => (one < other ? -1 : 1)))
    expect(seen.has(undefined)).toBe(false)
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it('serves contenders that acquire the lock again and again in the order in which their entries were created', async () => {
    const created = new Map<string, number>()
    const over = new AbortController()
    const watching = (async () => {
      while (!over.signal.aborted) for (const one of await entries()) created.set(one.session!, one.createIndex)
    })()
    const contenders = await Promise.all(Array.from({length: 6}, () => contender()))
    const grants: {readonly session: string; readonly token: bigint}[] = []
    const loop = async (one: (typeof contenders)[number]): Promise<void> => {
      for (let run = 0; run < 6; run += 1) {
        await using hold = await one.acquire()
        grants.push(hold)
      }
    }
    await Promise.all(contenders.map(loop))
    over.abort()
    await watching
    // A contender that did not answer for 0.3 s has lost its place.
    const late = new Set(
      contenders.flatMap(({events}) => events.flatMap(one => (one.type === 'queue.passed-over' ? [one.session] : []))),
    )
    const order = grants
      .toSorted((one, other) => (one.token < other.token ? -1 : 1))
      .flatMap(({session}) => (late.has(session as SessionId) ? [] : (created.get(session) ?? [])))
    expect(order.length).toBeGreaterThan(grants.length / 3)
    expect(order).toEqual(order.toSorted((one, other) => one - other))
  })

  it('reports the place of a contender', async () => {
    const first = await (await contender()).acquire()
    const waiters = await line(2)
    const [, second] = waiters
    const places = () => second!.one.events.flatMap(event => (event.type === 'lock.waiting' ? [event.position] : []))
    await waitUntil(() => places().includes(2), {what: 'the second place'})
    await first.release()
    await (await waiters[0]!.hold).release()
    await (await second!.hold).release()
  })

  it('passes over the first contender if it does not answer', async () => {
    const first = await (await contender()).acquire()
    const [stopped, next] = await line(2)
    stopped!.one.proxy.on({}, 'hang')
    await first.release()
    const hold = await next!.hold
    expect(next!.one.events).toContainEqual(expect.objectContaining({type: 'queue.passed-over', reason: 'unproven'}))
    await endCutOff(stopped!)
    await hold.release()
  })

  it('is entered again by a contender that was passed over and answers again', async () => {
    const first = await (await contender()).acquire()
    const [slow, next] = await line(2)
    slow!.one.proxy.on({path: '/v1/txn', body: /"check-index".*"lock"/}, {status: 500, body: 'No cluster leader'}, 20)
    await first.release()
    const hold = await next!.hold
    slow!.one.proxy.heal()
    await waitUntil(async () => (await entries()).length === 1, {what: 'a new entry'})
    await hold.release()
    const late = await slow!.hold
    expect(late.token).toBeGreaterThan(hold.token)
    await late.release()
  })

  it('makes Consul refuse a late transaction in which a contender that was passed over takes the lock', async () => {
    const first = await (await contender()).acquire()
    const [slow, next] = await line(2)
    // This transaction is sent, but arrives after the next contender has taken the lock.
    slow!.one.proxy.on({path: '/v1/txn', body: /"check-index".*"lock"/}, 'hang', 1)
    await first.release()
    const hold = await next!.hold
    const proof = slow!.one.proxy.requests.find(({body}) => /"check-index".*"lock"/.test(body.toString()))!
    const late = await consul().request('PUT', '/v1/txn', {body: proof.body})
    expect(late.status).toBe(409)
    expect(await heldBy()).toBe(hold.session)
    await endCutOff(slow!)
    await hold.release()
  })

  it.each([
    ['is free', ''],
    ['has no key', undefined],
  ])('lets the second contender take over if the first one is dead and the lock %s', async (_what, value) => {
    const first = await (await contender()).acquire()
    const [dead, next] = await line(2)
    dead!.one.proxy.on({}, 'hang')
    // This is how `consul lock` releases a lock before it deletes the key.
    await consul().kvPut(key(), '', {release: first.session, flags: mutexFlags})
    if (value === undefined) await consul().kvDelete(key())
    const hold = await next!.hold
    expect(next!.one.events).toContainEqual(expect.objectContaining({type: 'queue.passed-over', reason: 'idle'}))
    await endCutOff(dead!)
    await hold.release()
    await first.release()
  })

  it('keeps its order across a lock-delay', async () => {
    const first = await (await contender({lockDelayMs: 2500, graceMs: 100})).acquire()
    const waiters = await line(2)
    const created = (await entries()).map(entry => entry.session)
    await consul().sessionDestroy(first.session)
    const order: string[] = []
    await Promise.all(
      waiters.map(async ({hold}) => {
        const held = await hold
        order.push(held.session)
        await held.release()
      }),
    )
    expect(order).toEqual(created)
    await first.release()
  })

  it('is left by a contender that cancels, even if the lock was being handed to it', async () => {
    const first = await (await contender()).acquire()
    const giving = await contender()
    const stop = new AbortController()
    const given = giving.acquire({signal: stop.signal})
    const outcome = expect(given).rejects.toThrow('enough')
    await waitUntil(async () => (await entries()).length === 1, {what: 'the first waiter'})
    giving.proxy.on({path: '/v1/txn', body: /"check-index".*"lock"/}, () => {
      stop.abort(new Error('enough'))
      return 'hang'
    })
    const next = await contender()
    const hold = next.acquire()
    await waitUntil(async () => (await entries()).length === 2, {what: 'the second waiter'})
    await first.release()
    await outcome
    // This release comes soon only if the second waiter acquires the lock without the lock-delay of 15 s.
    const startedAt = performance.now()
    await (await hold).release()
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it('costs a waiting contender no write except for its own entry', async () => {
    await using _first = await (await contender()).acquire()
    const [waiter] = await line(1)
    const writes = waiter!.one.proxy.requests.filter(
      ({path, body}) => path.startsWith('/v1/txn') && !body.toString().includes('get-tree'),
    )
    expect(writes).toHaveLength(1)
    const once = await contender()
    expect(await once.tryAcquire()).toBeUndefined()
    expect(once.proxy.requests.filter(({body}) => /"(?:un)?lock"/.test(body.toString()))).toEqual([])
    await _first.release()
    await (await waiter!.hold).release()
  })

  it('is not used by contenders with `fair: off`, which neither wait in it nor hand the lock over', async () => {
    const first = await (await contender({fair: 'off'})).acquire()
    const plain = await contender({fair: 'off'})
    const held = plain.acquire()
    await waitUntil(() => plain.seen('lock.waiting'), {what: 'the plain contender to wait'})
    expect(await entries()).toEqual([])
    const [queued] = await line(1)
    await first.release()
    await Promise.all([held, queued!.hold].map(async hold => (await hold).release()))
    expect(queued!.one.seen('lock.handed-over')).toBe(false)
  })

  /** Creates a session as a waiting `consul lock` has it. */
  const goSession = () =>
    consul().sessionCreate({Name: `Consul lock for 'a' at '${leaks.prefix}q'`, TTL: '30s', LockDelay: '0s'})

  it('lets a waiting consul lock have the lock first if the holder shares it, and then goes on in order', async () => {
    const first = await (await contender({fair: 'share'})).acquire()
    const waiters = await line(2)
    const go = await goSession()
    // The contenders in the queue cannot take the lock until `consul lock` holds it, however slow this machine is.
    for (const {one} of waiters) one.proxy.on({path: '/v1/txn', body: /"lock"/}, {status: 500, body: 'busy'})
    await first.release()
    expect(await heldBy()).toBeUndefined()
    expect(await consul().kvPut(key(), '', {acquire: go, flags: mutexFlags})).toBe(true)
    for (const {one} of waiters) one.proxy.heal()
    const order: string[] = []
    const runs = waiters.map(async ({hold}) => {
      const held = await hold
      order.push(held.session)
      await held.release()
    })
    const created = (await entries()).map(entry => entry.session)
    await consul().kvPut(key(), '', {release: go, flags: mutexFlags})
    await Promise.all(runs)
    expect(order).toEqual(created)
    await consul().sessionDestroy(go)
  })

  it('takes the lock that was offered to consul lock if that does not take it, and hands it over the next time', async () => {
    const first = await (await contender({fair: 'share'})).acquire()
    const [second, third] = await line(2, {fair: 'share'})
    const go = await goSession()
    await first.release()
    await (await second!.hold).release()
    expect(second!.one.seen('lock.handed-over')).toBe(true)
    await (await third!.hold).release()
    await consul().sessionDestroy(go)
  })

  it('is not used if an entry of another version is ahead: contenders report that, and acquire the lock as consul lock does', async () => {
    const session = await consul().sessionCreate({TTL: '30s', LockDelay: '0s', Behavior: 'delete'})
    const entry = `${leaks.prefix}q/.queue/${session}`
    const holder = await contender()
    const first = await holder.acquire()
    await consul().kvPut(entry, JSON.stringify({v: 2, host: 'h', pid: 1, since: 'x'}), {acquire: session})
    const one = await contender()
    const hold = one.acquire()
    await waitUntil(() => one.events.some(event => event.type === 'queue.left' && event.reason === 'version'), {
      what: 'the contender to leave the queue',
    })
    await first.release()
    expect(holder.seen('lock.handed-over')).toBe(false)
    await (await hold).release()
    await consul().sessionDestroy(session)
  })

  it('ignores unknown fields of an entry, and keys that belong to no session', async () => {
    const first = await (await contender()).acquire()
    const session = await consul().sessionCreate({TTL: '30s', LockDelay: '0s', Behavior: 'delete'})
    const record = {v: 1, host: 'h', pid: 1, since: 'x', new: {field: true}}
    await consul().kvPut(`${leaks.prefix}q/.queue/${session}`, JSON.stringify(record), {acquire: session})
    await consul().kvPut(`${leaks.prefix}q/.queue/note`, 'by hand')
    await first.release()
    expect(await heldBy()).toBe(session)
    await consul().kvDelete(`${leaks.prefix}q/.queue/note`)
    await consul().sessionDestroy(session)
  })
})
