import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {kvKey} from '../../../src/core/query/topics.js'
import {createViewRegistry} from '../../../src/core/query/view-registry.js'
import {
  consistent,
  type FollowSetup,
  followThroughProxy,
  type ProxiedView,
  parked,
  past,
  plain,
  reads,
  withHeaders,
} from '../../integration/core/proxied-view.js'
import {ViewReader} from '../../integration/core/view-reader.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy, type RealAnswer} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const indexesOf = (proxy: HttpProxy): readonly string[] =>
  proxy.requests.flatMap(({path}) => /[?&]index=(\d+)/.exec(path)?.[1] ?? [])

describe.each(backends)('views that receive wrong answers, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent, ignoreHandles: true})

  const follow = (setup?: FollowSetup): Promise<ProxiedView> => followThroughProxy(agent.address, leaks.prefix, setup)
  const values = ({reader}: ProxiedView): readonly string[] =>
    reader.frames.flatMap(frame => (frame.type === 'upsert' ? [frame.item.value.toString()] : []))
  /** Writes the value, and waits until the view shows it. */
  const change = async (setup: ProxiedView, value: string): Promise<void> => {
    await setup.consul.kvPut(setup.key, value)
    await waitUntil(() => values(setup).at(-1) === value, {what: value, detail: () => values(setup).join()})
  }

  it.each(['a parked query', 'the read after a failure'])(
    'show no old state, but only data that a consistent read confirms, if %s receives an older index',
    async what => {
      await using setup = await follow()
      const {proxy, key, consul} = setup
      if (what !== 'a parked query') proxy.on(parked, 'reset', 1)
      proxy.on(plain, {rewrite: past('over')})
      const unproven = proxy.on(consistent, {status: 500, body: 'No cluster leader'})
      await change(setup, '2')
      await consul.kvPut(key, '3')
      await waitUntil(() => proxy.count(consistent) >= 2, {what: 'a second question to the leader'})
      expect(values(setup)).toEqual(['1', '2'])
      unproven[Symbol.dispose]()
      await waitUntil(() => values(setup).length === 3, {what: 'the answer of the leader'})
      expect(values(setup)).toEqual(['1', '2', '3'])
    },
  )

  it('if every read without an index is consistent, show no old state at the start or after a failure', async () => {
    const prepare = (proxy: HttpProxy): unknown => proxy.on(plain, {rewrite: past('over')})
    await using setup = await follow({freshConsistency: 'consistent', prepare})
    const {proxy} = setup
    proxy.heal()
    proxy.on(parked, 'reset', 1)
    proxy.on(plain, {rewrite: past('over')})
    await change(setup, '2')
    await waitUntil(() => proxy.count(consistent) >= 2, {what: 'the read after the failure'})
    await change(setup, '3')
    expect(values(setup)).toEqual(['1', '2', '3'])
    expect(proxy.count(reads)).toBe(proxy.count(parked) + proxy.count(consistent))
  })

  it('never send an index of 0, because such a query would not wait', async () => {
    const prepare = (proxy: HttpProxy): unknown => proxy.on(reads, {rewrite: withHeaders({'x-consul-index': '0'})})
    await using setup = await follow({prepare})
    await change(setup, '2')
    expect(new Set(indexesOf(setup.proxy))).toEqual(new Set(['1']))
  })

  it('send the exact index even above 2^53', async () => {
    await using setup = await follow()
    const {proxy} = setup
    const index = '18446744073709551001'
    proxy.on(reads, {rewrite: withHeaders({'x-consul-index': index})}, 1)
    await change(setup, '2')
    await change(setup, '3')
    await waitUntil(() => indexesOf(proxy).includes(index), {what: 'that index', detail: () => indexesOf(proxy).join()})
  })

  it('report an error if an answer has no index', async () => {
    await using setup = await follow()
    const {proxy, key, consul, reader} = setup
    proxy.on(reads, {rewrite: withHeaders({'x-consul-index': undefined})})
    await change(setup, '2')
    await consul.kvPut(key, '3')
    await waitUntil(() => reader.view.status.state === 'stale', {what: 'the stale state'})
    expect(reader.view.status).toMatchObject({error: {code: 'BATON_BAD_ANSWER'}})
    expect(values(setup)).toEqual(['1', '2'])
  })

  it('after a 404 answer for a missing key, send the next query with the index of that answer', async () => {
    const key = `${leaks.prefix}missing`
    await using proxy = await HttpProxy.start(agent.address)
    const answers: RealAnswer[] = []
    const keep = (answer: RealAnswer) => withHeaders({})(answers[answers.push(answer) - 1] ?? answer)
    proxy.on(reads, {rewrite: keep})
    await using reader = new ViewReader(proxy.address, client => kvKey(client, key))
    await reader.saw(['[initial', ']0', '!live'])
    await waitUntil(() => proxy.count(parked) > 0, {what: 'a parked query'})
    expect(answers.map(({status, headers}) => [status, headers['x-consul-index']])).toEqual([
      [404, indexesOf(proxy)[0]],
    ])
    await raw(agent.address).kvPut(key, '1')
    await reader.saw([`+${key}`], 3)
    await raw(agent.address).kvDelete(key)
  })

  it('report nothing to readers if only the index has changed', async () => {
    await using setup = await follow()
    const {proxy, reader} = setup
    const before = reader.words.length
    let index = 1_000_000
    let list: unknown
    proxy.on(
      {path: /^(?!.*[?&]index=)/},
      {
        rewrite: answer => {
          list = answer.body
          return withHeaders({})(answer)
        },
      },
    )
    proxy.on(parked, 'reset', 1)
    proxy.on(parked, () => ({headers: {'X-Consul-Index': String(index++), 'X-Consul-KnownLeader': 'true'}, body: list}))
    await change(setup, '2')
    await waitUntil(() => index >= 1_000_005, {what: 'five answers'})
    expect(reader.words.slice(before)).toEqual([`+${setup.key}`])
    expect(reader.view.stats.changes).toBe(2)
  })

  it('if blocking queries return early without a change, repeat them with growing random delays', async () => {
    await using setup = await follow({random: () => 0.3})
    const {proxy} = setup
    const times: number[] = []
    let last: RealAnswer | undefined
    proxy.on(
      {path: /^(?!.*[?&]index=)/},
      {
        rewrite: answer => {
          last = answer
          return withHeaders({})(answer)
        },
      },
    )
    proxy.on(parked, 'reset', 1)
    proxy.on(parked, () => {
      times.push(performance.now())
      return last ? withHeaders({'transfer-encoding': undefined})(last) : 'pass'
    })
    await change(setup, '2')
    await waitUntil(() => times.length >= 4, {what: 'a fourth query'})
    // If all queries had the same delay, the difference would be 250 ms; if only the rate limiter slowed them down, a
    // tenth of a second.
    expect((times[3] ?? 0) - (times[2] ?? 0)).toBeGreaterThan(500)
  })

  it('do not send another blocking query in place of an abandoned one before the agent has ended the abandoned one', async () => {
    const {prefix} = leaks
    await using proxy = await HttpProxy.start(agent.address)
    const untilParked = (key: string): Promise<unknown> =>
      waitUntil(() => proxy.count({path: new RegExp(`${key}\\?.*index=`)}) > 0, {what: `a parked query for ${key}`})
    await using client = createClient({address: proxy.address, random: () => 0.9})
    await using registry = createViewRegistry(client, {places: 1, waitMs: 1000, lingerMs: 0})
    const startedAt = performance.now()
    const given = registry.view(kvKey(client, `${prefix}given`)).subscribe()
    await untilParked('given')
    await given[Symbol.asyncDispose]()
    await using _other = registry.view(kvKey(client, `${prefix}other`)).subscribe()
    await untilParked('other')
    // The agent ends the abandoned query at the latest after its wait time plus a sixteenth of it.
    expect(performance.now() - startedAt).toBeGreaterThan(1050)
  })
})
