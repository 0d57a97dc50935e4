import {describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {kvKey, kvPrefix} from '../../../src/core/query/topics.js'
import {systemClock} from '../../../src/core/time/clock.js'
import type {Clock} from '../../../src/core/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {TcpProxy} from '../../kit/tcp-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {followThroughProxy, type ProxiedView, parked, reads, withHeaders} from './proxied-view.js'
import {ViewReader} from './view-reader.js'

describe.each(backends)('views through a faulty proxy, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent, ignoreHandles: true})

  const follow = (options?: Parameters<typeof followThroughProxy>[2]): Promise<ProxiedView> =>
    followThroughProxy(agent.address, leaks.prefix, options)

  it('read a list that takes longer to transfer than the time limit for its first byte', async () => {
    const consul = raw(agent.address)
    for (let at = 0; at < 4; at += 1) await consul.kvPut(`${leaks.prefix}slow/${at}`, 'x'.repeat(20_000))
    await using proxy = await TcpProxy.start(agent.address)
    proxy.throttle(40_000)
    const topic = (client: ConsulClient) => ({...kvPrefix(client, `${leaks.prefix}slow/`), answerTimeoutMs: 1500})
    await using reader = new ViewReader(proxy.address, topic)
    await waitUntil(() => reader.view.current?.value.length === 4, {what: 'the whole list'})
    expect(reader.view.stats.failures).toBe(0)
    for (let at = 0; at < 4; at += 1) await consul.kvDelete(`${leaks.prefix}slow/${at}`)
  })

  it('read again without an index after a single index reset, and report nothing', async () => {
    await using setup = await follow()
    const {proxy, reader, key, consul} = setup
    proxy.on(parked, 'reset', 1)
    await consul.kvPut(key, '2')
    await reader.saw([`+${key}`], 4)
    await waitUntil(() => proxy.count(parked) >= 2, {what: 'the cut query'})
    await waitUntil(() => proxy.count(parked) >= 3, {what: 'the next one'})
    const paths = proxy.requests.map(request => request.path)
    const cut = paths.findIndex((path, at) => at > 1 && path.includes('index=') && !paths[at + 1]?.includes('index='))
    expect(cut).toBeGreaterThan(0)
    await reader.saw([`+${key}`], 4)
  })

  it.each([
    [429, {}, 1000],
    [503, {'Retry-After': '2'}, 2000],
  ])('pause after status %d with headers %j for at least %d ms', async (status, headers, leastMs) => {
    // Without jitter, because a random pause that happens to be long would hide the fault.
    await using setup = await follow({random: () => 0})
    const {proxy, reader, key, consul} = setup
    const times: number[] = []
    proxy.on(reads, () => {
      times.push(performance.now())
      return times.length === 1 ? {status, headers} : 'pass'
    })
    await consul.kvPut(key, '2')
    await waitUntil(() => times.length >= 2, {what: 'the retry'})
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(leastMs * 0.95)
    await waitUntil(() => reader.view.status.state === 'live', {what: 'the recovery'})
  })

  it('read again without an index if the wall clock shows that the machine has slept', async () => {
    let sleptMs = 0
    const clock: Clock = {...systemClock, wallMs: () => systemClock.wallMs() + sleptMs}
    await using setup = await follow({clock})
    const {proxy} = setup
    const afresh = (): number => proxy.count(reads) - proxy.count(parked)
    const before = afresh()
    sleptMs = 3_600_000
    await waitUntil(() => afresh() > before, {
      what: 'a read without index, long before the wait is over',
      timeoutMs: 20_000,
    })
    await waitUntil(() => setup.reader.view.status.state === 'live', {what: 'the recovery'})
  })

  it('keep their data while there is no leader, and send few requests', async () => {
    await using setup = await follow({waitMs: 500})
    const {proxy, reader, key, consul} = setup
    proxy.on(reads, {status: 500, body: 'No cluster leader'})
    await waitUntil(() => reader.view.status.state === 'stale', {what: 'the stale state'})
    const before = proxy.requests.length
    await new Promise(resolve => setTimeout(resolve, 1500))
    expect(proxy.requests.length - before).toBeLessThanOrEqual(6)
    expect(reader.view.current?.value).toHaveLength(1)
    await consul.kvPut(key, '2')
    proxy.heal()
    await waitUntil(() => reader.words.includes('!stale') && reader.words.at(-1) === '!live', {
      what: 'the recovery',
      timeoutMs: 20_000,
    })
    expect(reader.words.filter(word => word === `+${key}`)).toHaveLength(2)
    expect(reader.words).not.toContain('[reset')
  })

  it('keep a list that seems empty only because permissions are missing, until the permissions are back', async () => {
    await using setup = await follow({waitMs: 500})
    const {proxy, reader} = setup
    const headers = {
      'X-Consul-Index': '999999',
      'X-Consul-Knownleader': 'true',
      'X-Consul-Results-Filtered-By-ACLs': 'true',
    }
    proxy.on(reads, {body: [], headers})
    await reader.saw(['!held'], 4)
    expect(reader.view.status).toEqual({state: 'held', reason: 'filtered'})
    expect(reader.view.current?.value).toHaveLength(1)
    proxy.heal()
    await reader.saw(['!held', '!live'], 4)
  })

  it('confirm a deletion with a consistent read if answers do not say whether there is a leader', async () => {
    await using setup = await follow()
    const {proxy, reader, key, consul} = setup
    const silent = {'x-consul-knownleader': undefined, 'x-consul-lastcontact': undefined}
    proxy.on(reads, {rewrite: withHeaders(silent)})
    await consul.kvDelete(key)
    await reader.saw([`-${key}`], 4)
    expect(proxy.count({path: /^\/v1\/kv\/.*consistent/})).toBe(1)
  })

  it('ignore an empty answer from a server without a leader', async () => {
    await using setup = await follow({waitMs: 500})
    const {proxy, reader} = setup
    const headers = {'X-Consul-Index': '999999', 'X-Consul-Knownleader': 'false'}
    proxy.on(reads, {status: 404, headers})
    await reader.saw(['!held'], 4)
    expect(reader.view.status).toEqual({state: 'held', reason: 'no-leader'})
  })

  it('read again if an answer is older than max_stale allows', async () => {
    const key = `${leaks.prefix}stale`
    const consul = raw(agent.address)
    await consul.kvPut(key, '1')
    await using proxy = await HttpProxy.start(agent.address)
    proxy.on({path: /stale/}, {rewrite: withHeaders({'x-consul-lastcontact': '15600'})})
    await using reader = new ViewReader(proxy.address, client => kvKey(client, key, {consistency: 'stale'}), {
      maxStaleMs: 5000,
    })
    await reader.saw(['[initial', `+${key}`, ']1', '!live'])
    const [first, second] = proxy.requests.map(request => request.path)
    expect(first).toMatch(/[?&]stale/)
    expect(second).not.toMatch(/[?&]stale/)
    await consul.kvDelete(key)
  })

  it('ask for a shorter wait time after a proxy has cut blocking queries', async () => {
    const key = `${leaks.prefix}cut`
    const consul = raw(agent.address)
    await consul.kvPut(key, '1')
    await using proxy = await HttpProxy.start(agent.address)
    await using line = await TcpProxy.start(proxy.address)
    await using reader = new ViewReader(line.address, client => kvKey(client, key))
    await reader.saw(['[initial', `+${key}`, ']1', '!live'])
    for (let cut = 1; cut <= 2; cut += 1) {
      await waitUntil(() => proxy.count(parked) >= cut, {what: 'a parked query'})
      await new Promise(resolve => setTimeout(resolve, 1200))
      line.reset()
    }
    await waitUntil(() => proxy.count(parked) >= 3, {what: 'the query after the cuts'})
    const waits = proxy.requests.map(request => Number(/wait=(\d+)ms/.exec(request.path)?.[1])).filter(Boolean)
    expect(waits.slice(0, 2)).toEqual([60_000, 60_000])
    expect(waits[2]).toBeGreaterThan(500)
    expect(waits[2]).toBeLessThan(1500)
    expect(reader.words).toHaveLength(4)
    await consul.kvDelete(key)
  })
})
