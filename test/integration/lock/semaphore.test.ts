import {afterEach, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {isBatonError} from '../../../src/core/errors.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import type {Hold, SemaphoreOptions} from '../../../src/lock/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const semaphoreFlags = '16210313421097356768'

describe.each(backends)('a semaphore on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const open: AsyncDisposable[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]()
  })
  const connect = (): ConsulClient => {
    const client = createClient({address: agent.address})
    open.push(client)
    return client
  }
  const consul = () => raw(agent.address)
  const key = () => `${leaks.prefix}s/.lock`
  const semaphore = (client: ConsulClient, options: Partial<SemaphoreOptions> = {}) =>
    createSemaphore(client, {prefix: `${leaks.prefix}s`, limit: 2, ...options})

  it('writes its keys as consul lock does', async () => {
    const hold = await semaphore(connect()).acquire()
    const {text} = await consul().request('GET', `/v1/kv/${leaks.prefix}s`, {query: {recurse: true}})
    expect(text.replaceAll(' ', '').match(/"Flags":(\d+)/g)).toEqual([
      `"Flags":${semaphoreFlags}`,
      `"Flags":${semaphoreFlags}`,
    ])
    expect(await consul().kvGet(key())).toMatchObject({
      value: `{"Limit":2,"Holders":{"${hold.session}":true}}`,
      session: undefined,
    })
    expect(await consul().kvGet(`${leaks.prefix}s/${hold.session}`)).toMatchObject({session: hold.session})
    await hold.release()
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it('allows as many holders as its limit, and a further one when a holder has left', async () => {
    const client = connect()
    const lock = semaphore(client)
    const [a, b] = [await lock.acquire(), await lock.acquire()]
    expect(await lock.holders()).toHaveLength(2)
    expect(await lock.tryAcquire()).toBeUndefined()
    const third = lock.acquire()
    await a.release()
    const c = await third
    expect(c.token).toBeGreaterThan(b.token)
    expect(b.signal.aborted).toBe(false)
    await Promise.all([b.release(), c.release()])
  })

  it.each([
    ['its contender key is deleted', (hold: Hold) => consul().kvDelete(`${leaks.prefix}s/${hold.session}`)],
    ['its document is deleted', () => consul().kvDelete(key())],
    [
      'its document names another holder',
      () => consul().kvPut(key(), '{"Limit":2,"Holders":{}}', {flags: semaphoreFlags}),
    ],
    ['its session is destroyed', (hold: Hold) => consul().sessionDestroy(hold.session)],
  ] as [string, (hold: Hold) => Promise<unknown>][])('rejects assertHeld once %s', async (_what, end) => {
    const hold = await semaphore(connect()).acquire()
    await hold.assertHeld()
    await end(hold)
    const error = await hold.assertHeld().catch((reason: unknown) => reason)
    expect(isBatonError(error, 'BATON_LOCK_LOST')).toBe(true)
    await hold.release()
    await consul().kvDelete(key())
  })

  it('rejects assertHeld after it was released', async () => {
    const hold = await semaphore(connect()).acquire()
    await hold.release()
    const error = await hold.assertHeld().catch((reason: unknown) => reason)
    expect(isBatonError(error, 'BATON_LOCK_LOST')).toBe(true)
  })

  it('never has more holders than its limit, even if many contend at once', async () => {
    const client = connect()
    let inside = 0
    let most = 0
    const visit = async (): Promise<void> => {
      await semaphore(client, {limit: 3}).withLock(async () => {
        inside += 1
        most = Math.max(most, inside)
        await new Promise(resolve => setTimeout(resolve, 20))
        inside -= 1
      })
    }
    await Promise.all(Array.from({length: 12}, visit))
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(3)
  })

  it('is acquired even if the answers to its first writes were lost', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    const client = createClient({address: proxy.address})
    open.push(client)
    proxy.on({method: 'PUT', path: '/v1/txn'}, 'swallow', 2)
    const hold = await semaphore(client).acquire()
    expect((await consul().kvGet(key()))?.value).toBe(`{"Limit":2,"Holders":{"${hold.session}":true}}`)
    await hold.release()
  })

  it('refuses a limit that differs from the current one, and names the current one', async () => {
    const client = connect()
    await using _hold = await semaphore(client, {limit: 3}).acquire()
    const error = await semaphore(client, {limit: 2})
      .acquire()
      .catch((reason: unknown) => reason)
    expect(isBatonError(error, 'BATON_LOCK_KIND')).toBe(true)
    expect(String(error)).toContain('its limit is 3, the requested limit is 2, and 1 of 3 slots are held')
  })

  it('replaces a limit that a crashed holder left, and never has more holders than its own limit', async () => {
    const dead = '{"Limit":5,"Holders":{"00000000-0000-0000-0000-000000000000":true}}'
    await consul().kvPut(key(), dead, {flags: semaphoreFlags})
    const client = connect()
    let inside = 0
    const peaks = await Promise.all(
      Array.from({length: 6}, () =>
        semaphore(client).withLock(async hold => {
          inside += 1
          const peak = inside
          const {value} = (await consul().kvGet(key()))!
          expect(JSON.parse(value)).toMatchObject({Limit: 2, Holders: {[hold.session]: true}})
          inside -= 1
          return peak
        }),
      ),
    )
    expect(Math.max(...peaks)).toBeLessThanOrEqual(2)
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it('gives the slot of a holder whose session is gone to the next contender', async () => {
    await consul().kvPut(key(), '{"Limit":1,"Holders":{"00000000-0000-0000-0000-000000000000":true}}', {
      flags: semaphoreFlags,
    })
    await using hold = await semaphore(connect(), {limit: 1}).acquire()
    expect((await consul().kvGet(key()))?.value).toBe(`{"Limit":1,"Holders":{"${hold.session}":true}}`)
  })

  it.each([
    ['is overwritten', () => consul().kvPut(key(), 'garbage', {flags: semaphoreFlags})],
    ['is deleted', () => consul().kvDelete(key())],
    ['names others only', () => consul().kvPut(key(), '{"Limit":2,"Holders":{}}', {flags: semaphoreFlags})],
  ])('is lost at once if its .lock key %s', async (_name, act) => {
    const hold = await semaphore(connect()).acquire()
    await act()
    await waitUntil(() => hold.signal.aborted, {what: 'the loss', timeoutMs: 1000})
    await consul().kvDelete(key())
    await hold.release()
    await consul().kvDelete(`${leaks.prefix}s/${hold.session}`)
  })

  it("is lost at once if the holder's contender key is deleted", async () => {
    const hold = await semaphore(connect()).acquire()
    await consul().kvDelete(`${leaks.prefix}s/${hold.session}`)
    await waitUntil(() => hold.signal.aborted, {what: 'the loss', timeoutMs: 1000})
    await hold.release()
    await consul().kvDelete(key())
  })

  it('leaves no key and no session behind if an acquisition times out', async () => {
    const client = connect()
    const holds: Hold[] = [await semaphore(client).acquire(), await semaphore(client).acquire()]
    await expect(semaphore(client).acquire({timeoutMs: 200})).rejects.toThrow('not acquired within 200ms')
    expect(await consul().kvKeys(leaks.prefix)).toHaveLength(3)
    await Promise.all(holds.map(hold => hold.release()))
  })

  it('requires a prefix and a positive limit', () => {
    const client = connect()
    expect(() => semaphore(client, {prefix: ''})).toThrow('needs a prefix')
    expect(() => semaphore(client, {limit: 0})).toThrow('a whole number of at least 1')
  })

  it('refuses session checks, because nothing would delay the next holder', async () => {
    await expect(semaphore(connect(), {nodeChecks: ['serfHealth']}).acquire()).rejects.toThrow('no safe time to stop')
  })
})
