import {afterEach, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {isBatonError} from '../../../src/core/errors.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import type {LockEvent, LockOptions} from '../../../src/lock/types.js'
import {localDirectory} from '../../../src/process/local-directory.js'
import {takeLocalTurn, turnPath} from '../../../src/process/local-turn.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {TcpProxy} from '../../kit/tcp-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'

const mutexFlags = '3304740253564472344'
const semaphoreFlags = '16210313421097356768'

describe.each(backends)('a mutex on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const open: AsyncDisposable[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]()
  })

  const connect = (address = agent.address): ConsulClient => {
    const client = createClient({address})
    open.push(client)
    return client
  }
  const consul = () => raw(agent.address)
  const key = () => `${leaks.prefix}m/.lock`
  function mutex(client: ConsulClient, options: Partial<LockOptions> = {}) {
    const events: LockEvent[] = []
    const lock = createMutex(client, {
      prefix: `${leaks.prefix}m`,
      lockDelayMs: 8000,
      graceMs: 1000,
      observer: event => events.push(event),
      ...options,
    })
    return {...lock, events, seen: (type: string) => events.some(event => event.type === type)}
  }
  async function proxied() {
    const proxy = await HttpProxy.start(agent.address)
    open.push(proxy)
    return {proxy, client: connect(proxy.address)}
  }

  it('writes the key as consul lock does, and returns the ModifyIndex of that write as its token', async () => {
    const hold = await mutex(connect()).acquire()
    const entry = await consul().kvGet(key())
    const {text} = await consul().request('GET', `/v1/kv/${key()}`)
    expect(text.replaceAll(' ', '')).toContain(`"Flags":${mutexFlags}`)
    expect(entry?.session).toBe(hold.session)
    expect(hold.token).toBe(BigInt(entry!.modifyIndex))
    await hold.assertHeld()
    await hold.release()
  })

  it('rejects assertHeld after it was released', async () => {
    const hold = await mutex(connect()).acquire()
    await hold.release()
    const error = await hold.assertHeld().catch((reason: unknown) => reason)
    expect(isBatonError(error, 'BATON_LOCK_LOST')).toBe(true)
  })

  it('is acquired within its time limit even if an earlier contender on the same host never acquires it', async () => {
    const client = connect()
    const {datacenter, namespace, partition} = client.scope
    const path = turnPath(localDirectory(), client.address, datacenter, namespace, partition, key())!
    const common = {clock: client.clock, random: client.random, patienceMs: 60_000, isFree: async () => false}
    using _turn = await takeLocalTurn(path, {...common, signal: new AbortController().signal})
    const lock = mutex(connect())
    await using _hold = await lock.acquire({timeoutMs: 4000})
    expect(lock.events.some(one => one.type === 'lock.waiting' && one.reason === 'local')).toBe(true)
  })

  it('leaves no key, no session and no lock-delay behind', async () => {
    const client = connect()
    const first = await mutex(client).acquire()
    expect(await first.release()).toMatchObject({lock: 'released', isSessionDestroyed: true})
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
    const second = await mutex(client).tryAcquire()
    expect(second).toBeDefined()
    expect(second!.token).toBeGreaterThan(first.token)
    await second!.release()
  })

  it('resolves tryAcquire to undefined while it is held', async () => {
    const client = connect()
    await using _hold = await mutex(client).acquire()
    const other = mutex(client)
    expect(await other.tryAcquire()).toBeUndefined()
    expect(other.seen('lock.waiting')).toBe(true)
  })

  it('is acquired after its holder has released it, with a higher token', async () => {
    const client = connect()
    const first = await mutex(client).acquire()
    const other = mutex(client)
    const second = other.acquire()
    await waitUntil(() => other.seen('lock.waiting'), {what: 'the second to wait'})
    await first.release()
    await using hold = await second
    expect(hold.token).toBeGreaterThan(first.token)
  })

  it('rejects an acquisition after its time limit, and names the holder in the error', async () => {
    const client = connect()
    await using _hold = await mutex(client, {command: 'backup'}).acquire()
    const startedAt = performance.now()
    const error = await mutex(client)
      .acquire({timeoutMs: 1500})
      .catch((reason: unknown) => reason)
    expect(performance.now() - startedAt).toBeLessThan(4000)
    expect(isBatonError(error, 'BATON_LOCK_TIMEOUT')).toBe(true)
    expect(String(error)).toMatch(/not acquired within 1\.5s: held by backup on .*, pid \d+/)
  })

  it('rejects an acquisition as soon as its signal aborts, with the reason of the abort', async () => {
    const client = connect()
    await using _hold = await mutex(client).acquire()
    const stop = new AbortController()
    const other = mutex(client)
    const waiting = other.acquire({signal: stop.signal})
    const outcome = expect(waiting).rejects.toThrow('enough')
    await waitUntil(() => other.seen('lock.waiting'), {what: 'the second to wait'})
    stop.abort(new Error('enough'))
    await outcome
  })

  it('is acquired even if a crashed holder has left an unlocked key, which the next holder removes', async () => {
    await consul().kvPut(key(), '', {flags: mutexFlags})
    await using hold = await mutex(connect()).acquire()
    expect((await consul().kvGet(key()))?.session).toBe(hold.session)
  })

  it.each([
    ["a semaphore's", semaphoreFlags],
    ['something else', '7'],
  ])('refuses a key that is %s', async (text, flags) => {
    await consul().kvPut(key(), '{"Limit":2,"Holders":{}}', {flags})
    const client = connect()
    for (const verb of ['acquire', 'tryAcquire'] as const) {
      const error = await mutex(client)
        [verb]()
        .catch((reason: unknown) => reason)
      expect(isBatonError(error, 'BATON_LOCK_KIND')).toBe(true)
      expect(String(error)).toContain(text)
    }
    expect((await consul().kvGet(key()))?.value).toBe('{"Limit":2,"Holders":{}}')
    await consul().kvDelete(key())
  })

  it('is lost at once if its session is destroyed, after which the next holder waits for the lock-delay', async () => {
    const client = connect()
    const hold = await mutex(client, {lockDelayMs: 2500, graceMs: 100}).acquire()
    await consul().sessionDestroy(hold.session)
    await waitUntil(() => hold.signal.aborted, {what: 'the loss', timeoutMs: 1000})
    expect(isBatonError(hold.signal.reason, 'BATON_LOCK_LOST')).toBe(true)
    const other = mutex(client)
    const second = other.acquire()
    await waitUntil(() => other.events.some(one => one.type === 'lock.waiting' && one.reason === 'lock-delay'), {
      what: 'the second contender to report the lock-delay',
    })
    expect(await hold.release()).toMatchObject({lock: 'lost'})
    await (await second).release()
  })

  it.each([
    ['deleted', () => consul().kvDelete(key())],
    [
      'released by another client',
      async () => {
        const {session} = (await consul().kvGet(key()))!
        await consul().kvPut(key(), '', {release: session, flags: mutexFlags})
      },
    ],
  ])('is lost at once if its key is %s', async (_name, act) => {
    const hold = await mutex(connect()).acquire()
    await act()
    await waitUntil(() => hold.signal.aborted, {what: 'the loss', timeoutMs: 1000})
    await hold.release()
    await consul().kvDelete(key())
  })

  it('is lost at once when its key is deleted by hand, and reports that its session still exists', async () => {
    const hold = await mutex(connect()).acquire()
    const lost = new Promise(resolve => hold.signal.addEventListener('abort', resolve))
    await consul().kvDelete(hold.key)
    await lost
    expect(String(hold.signal.reason)).toContain('its key was deleted, and its session still exists')
    expect(await hold.release()).toMatchObject({lock: 'lost'})
  })

  it('is not lost by a plain write to its key, which changes neither the session nor the token', async () => {
    await using hold = await mutex(connect()).acquire()
    await consul().kvPut(key(), 'changed', {flags: mutexFlags})
    await hold.assertHeld()
    expect(hold.signal.aborted).toBe(false)
    expect((await consul().kvGet(key()))?.lockIndex).toBe(0)
  })

  it('rejects withLock if the lock was lost, even if the work succeeded', async () => {
    const lock = mutex(connect())
    const outcome = lock.withLock(async hold => {
      await consul().kvDelete(key())
      await waitUntil(() => hold.signal.aborted, {what: 'the loss'})
      return 'done'
    })
    await expect(outcome).rejects.toThrow('its key was deleted')
  })

  it.each([
    ['its session is destroyed', (session: string) => consul().sessionDestroy(session), 'Consul ended its session'],
    ['its key is deleted', () => consul().kvDelete(key()), 'its key was deleted, and its session still exists'],
    [
      'its key is unlocked',
      (session: string) => consul().kvPut(key(), '', {release: session}),
      'another client released it',
    ],
  ] as [string, (session: string) => Promise<unknown>, string][])(
    'reports the cause of a loss (case: %s)',
    async (_what, end, why) => {
      const hold = await mutex(connect()).acquire()
      // The blocking query on the key shows the loss earlier than the next renewal would.
      await end(hold.session)
      await waitUntil(() => hold.signal.aborted, {what: 'the loss'})
      expect(String(hold.signal.reason)).toContain(why)
      await hold.release()
      await consul().kvDelete(key())
    },
  )

  it.each([
    ['resets connections', 'reset'],
    ['is overloaded', {status: 429, body: 'Your IP is issuing too many concurrent connections'}],
    ['has no leader', {status: 500, body: 'No cluster leader'}],
  ] as const)('is acquired within its time limit if the agent %s at first', async (_what, fault) => {
    const {proxy, client} = await proxied()
    proxy.on({method: 'PUT', path: '/v1/session/create'}, fault, 3)
    await using _hold = await mutex(client).acquire({timeoutMs: 20_000})
  })

  it('is acquired within its time limit if the agent refuses connections at first', async () => {
    await using proxy = await TcpProxy.start(agent.address)
    await proxy.refuse()
    const lock = mutex(connect(proxy.address))
    const acquiring = lock.acquire({timeoutMs: 20_000})
    await waitUntil(() => lock.seen('lock.waiting'), {what: 'the refusal'})
    await proxy.accept()
    await using _hold = await acquiring
  })

  it('is acquired even if the answer that granted it was lost', async () => {
    const {proxy, client} = await proxied()
    proxy.on({path: '/v1/txn', body: /"lock"/}, 'swallow', 1)
    const hold = await mutex(client).acquire()
    const entry = await consul().kvGet(key())
    expect(entry).toMatchObject({session: hold.session, modifyIndex: Number(hold.token)})
    expect(await hold.release()).toMatchObject({lock: 'released', isSessionDestroyed: true})
  })

  it('ignores the old state of a leader that has not applied its log yet', async () => {
    const {proxy, client} = await proxied()
    const old = {Key: key(), Flags: 0, Value: null, CreateIndex: 3, ModifyIndex: 3, LockIndex: 0}
    const isPlain = /^\/v1\/kv\/(?!.*consistent)/
    proxy.on({method: 'PUT', path: '/v1/txn'}, 'reset', 1)
    proxy.on({method: 'GET', path: isPlain}, {headers: {'x-consul-index': '3'}, body: JSON.stringify([old])})
    await using hold = await mutex(client).acquire({timeoutMs: 10_000})
    expect((await consul().kvGet(key()))?.session).toBe(hold.session)
  })

  it.each(['reset', {status: 500, body: 'No cluster leader'}] as const)(
    'ends a single attempt with an error if its requests are no longer answered (%j)',
    async fault => {
      const {proxy, client} = await proxied()
      proxy.on({path: '/v1/txn'}, fault)
      proxy.on({path: '/v1/kv'}, fault)
      const error = await mutex(client)
        .tryAcquire()
        .catch((reason: unknown) => reason)
      expect(isBatonError(error)).toBe(true)
    },
  )

  it('is released even if the answer to the release was lost', async () => {
    const {proxy, client} = await proxied()
    const hold = await mutex(client).acquire()
    proxy.on({path: '/v1/txn', body: /"unlock"/}, 'swallow', 1)
    expect(await hold.release()).toMatchObject({lock: 'released', isSessionDestroyed: true})
  })

  it('is not lost because renewals are refused or fail, but reports the failed renewals', async () => {
    const {proxy, client} = await proxied()
    const lock = mutex(client, {ttlMs: 10_000, lockDelayMs: 3500, graceMs: 100})
    const hold = await lock.acquire()
    for (const status of [403, 429, 500]) proxy.on({path: '/v1/session/renew'}, {status, body: 'no'}, 1)
    await waitUntil(() => lock.events.filter(event => event.type === 'lease.degraded').length >= 3, {
      what: 'three failed renewals',
    })
    await waitUntil(() => lock.seen('lease.renewed'), {what: 'a renewal'})
    expect(hold.signal.aborted).toBe(false)
    await hold.release()
  })

  it('is lost at its deadline at the latest if no answer confirms that it is still held', async () => {
    const {proxy, client} = await proxied()
    const hold = await mutex(client, {lockDelayMs: 2500, graceMs: 500}).acquire()
    proxy.on({}, 'hang')
    await waitUntil(() => hold.signal.aborted, {what: 'the loss', timeoutMs: 5000})
    expect(String(hold.signal.reason)).toMatch(/lost after .*: not proven for/)
    expect(hold.deadline.freeAtMs - hold.deadline.termAtMs).toBeCloseTo(1500)
    proxy.heal()
    await hold.release()
  })

  it('keeps waiting with a new session if its session ends', async () => {
    const client = connect()
    const first = await mutex(client).acquire()
    const other = mutex(client, {ttlMs: 10_000, lockDelayMs: 3500, graceMs: 100})
    const second = other.acquire()
    await waitUntil(() => other.seen('lock.waiting'), {what: 'the second to wait'})
    const created = other.events.find(event => event.type === 'session.created')
    await consul().sessionDestroy(created?.type === 'session.created' ? created.session : '')
    await waitUntil(() => other.events.filter(event => event.type === 'session.created').length === 2, {
      what: 'a second session',
    })
    await first.release()
    await (await second).release()
  })

  it('refuses settings that leave the work no time to stop, and writes nothing', async () => {
    const {proxy, client} = await proxied()
    await expect(mutex(client, {graceMs: 60_000}).acquire()).rejects.toThrow('no time to stop')
    expect(proxy.requests.filter(one => one.method === 'PUT')).toEqual([])
  })

  it('reports a refused release, after which the key is deleted with the session', async () => {
    const {proxy, client} = await proxied()
    const hold = await mutex(client).acquire()
    proxy.on({path: '/v1/txn'}, {status: 403, body: 'Permission denied'})
    const report = await hold.release()
    expect(report).toMatchObject({lock: 'released', isSessionDestroyed: true})
    expect(isBatonError(report.error, 'BATON_ACL_DENIED')).toBe(true)
  })

  it('attaches its session to the node in the options, and refuses a node that is missing from the catalog', async () => {
    const node = leaks.prefix.replaceAll('/', '-')
    const client = connect()
    await expect(mutex(client, {node}).acquire({timeoutMs: 10_000})).rejects.toMatchObject({code: 'BATON_USAGE'})
    await consul().put('/v1/catalog/register', {Node: node, Address: '127.0.0.1'})
    const hold = await mutex(client, {node}).acquire()
    expect((await consul().sessions()).find(one => one.ID === hold.session)?.Node).toBe(node)
    await hold.release()
    await consul().put('/v1/catalog/deregister', {Node: node})
  })

  it('attaches its session to the node baton-locks if this node is registered and no agent owns it', async () => {
    const nodeOf = async (): Promise<string | undefined> => {
      await using hold = await mutex(connect()).acquire()
      return (await consul().sessions()).find(one => one.ID === hold.session)?.Node
    }
    const own = await nodeOf()
    expect(own).not.toBe('baton-locks')
    const node = {Node: 'baton-locks', Address: '127.0.0.1'}
    await consul().put('/v1/catalog/register', node)
    expect(await nodeOf()).toBe('baton-locks')
    const check = {CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'passing', Node: node.Node}
    await consul().put('/v1/catalog/register', {...node, Check: check})
    expect(await nodeOf()).toBe(own)
    await consul().put('/v1/catalog/deregister', {Node: node.Node})
  })

  it('refuses semaphores on the same prefix while it is held', async () => {
    const client = connect()
    await using _hold = await mutex(client).acquire()
    const semaphore = createSemaphore(client, {prefix: `${leaks.prefix}m`, limit: 2})
    const error = await semaphore.acquire().catch((reason: unknown) => reason)
    expect(isBatonError(error, 'BATON_LOCK_KIND')).toBe(true)
  })
})
