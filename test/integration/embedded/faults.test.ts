import {describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../../src/embedded/index.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {raw} from '../../kit/raw-consul.js'

const indexOf = async (agent: EmbeddedAgent, path: string): Promise<number> =>
  Number((await raw(agent.address).request('GET', path)).headers['x-consul-index'])

describe('fault injection in the embedded agent', () => {
  it('answers matching requests with a given status, a given number of times', async () => {
    await using agent = await startEmbeddedAgent()
    agent.faults.inject({path: '/v1/kv/', method: 'GET', status: 429, body: 'slow down', times: 2})
    const statuses = []
    for (let at = 0; at < 3; at += 1) statuses.push((await fetch(`${agent.address}/v1/kv/k`)).status)
    expect(statuses).toEqual([429, 429, 404])
    expect((await fetch(`${agent.address}/v1/status/leader`)).status).toBe(200)
  })

  it('cuts the connection before a request is handled, or before its answer is sent', async () => {
    await using agent = await startEmbeddedAgent()
    const put = (key: string): Promise<unknown> => raw(agent.address).kvPut(key, 'v')
    const before = agent.faults.inject({path: '/v1/kv/', drop: true})
    await expect(put('before')).rejects.toThrow()
    before[Symbol.dispose]()
    const after = agent.faults.inject({path: '/v1/kv/', dropAnswer: true})
    await expect(put('after')).rejects.toThrow()
    after[Symbol.dispose]()
    expect(await raw(agent.address).kvKeys('')).toEqual(['after'])
  })

  it("delays requests for a time that the agent's own clock measures", async () => {
    const clock = new FakeClock()
    await using agent = await startEmbeddedAgent({clock})
    agent.faults.inject({delayMs: 5000})
    let done = false
    const answer = fetch(`${agent.address}/v1/status/leader`).then(() => (done = true))
    await expect.poll(() => clock.nextInMs).toBe(5000)
    expect(done).toBe(false)
    await clock.advance(5000)
    expect(await answer).toBe(true)
  })

  it('simulates a missing leader: the agent refuses requests after 7 s, keeps sessions, and recovers', async () => {
    await using agent = await startEmbeddedAgent()
    const id = await raw(agent.address).sessionCreate({TTL: '10s'})
    agent.faults.loseLeader()
    expect(await raw(agent.address).get('/v1/status/leader')).toBe('')
    let refused: {status: number; text: string} | undefined
    void raw(agent.address)
      .request('GET', '/v1/kv/k')
      .then(answer => (refused = answer))
    await expect
      .poll(() => {
        agent.faults.fastForward(8000)
        return refused
      })
      .toMatchObject({status: 500, text: 'No cluster leader'})
    agent.faults.electLeader()
    expect((await raw(agent.address).sessions()).map(({ID}) => ID)).toEqual([id])
    agent.faults.fastForward(19_000)
    expect(await raw(agent.address).sessions()).toHaveLength(1)
    agent.faults.fastForward(2000)
    expect(await raw(agent.address).sessions()).toEqual([])
  })

  it('restarts the agent on the same address and cuts its blocking queries', async () => {
    await using agent = await startEmbeddedAgent()
    await raw(agent.address).kvPut('k', 'v')
    const parked = fetch(`${agent.address}/v1/kv/k?index=${await indexOf(agent, '/v1/kv/k')}`)
    const cut = expect(parked).rejects.toThrow()
    await expect.poll(() => agent.faults.statistics().parked).toBe(1)
    await agent.faults.restart({keepState: false})
    await cut
    expect(await raw(agent.address).kvGet('k')).toBeUndefined()
    expect(await raw(agent.address).get('/v1/agent/members')).toMatchObject([{Name: 'baton-dev'}])
  })

  it('restores the data and indexes of a snapshot, and wakes every blocking query', async () => {
    await using agent = await startEmbeddedAgent()
    await raw(agent.address).kvPut('k', 'old')
    const old = await indexOf(agent, '/v1/kv/k')
    const saved = agent.faults.saveSnapshot()
    await raw(agent.address).kvPut('k', 'new')
    await raw(agent.address).kvPut('k2', 'new')
    const parked = fetch(`${agent.address}/v1/kv/k?index=${await indexOf(agent, '/v1/kv/k')}`)
    await expect.poll(() => agent.faults.statistics().parked).toBe(1)
    agent.faults.restoreSnapshot(saved)
    expect((await parked).headers.get('x-consul-index')).toBe(String(old))
    expect(await raw(agent.address).kvKeys('')).toEqual(['k'])
  })

  it('lowers all indexes without changing the data or the order of the indexes', async () => {
    await using agent = await startEmbeddedAgent()
    for (const key of ['b', 'a', 'a', 'c']) await raw(agent.address).kvPut(key, `${Math.random()}`)
    const before = await raw(agent.address).kvList('')
    const index = await indexOf(agent, '/v1/kv/?keys')
    agent.faults.rewindIndexes()
    const after = await raw(agent.address).kvList('')
    expect(await indexOf(agent, '/v1/kv/?keys')).toBeLessThan(index)
    expect(after.map(({value}) => value)).toEqual(before.map(({value}) => value))
    const byAge = (rows: typeof before): string[] =>
      rows.toSorted((x, y) => x.modifyIndex - y.modifyIndex).map(({key}) => key)
    expect(byAge(after)).toEqual(byAge(before))
  })

  it("ends sessions and then lock-delays when the agent's clock is advanced", async () => {
    await using agent = await startEmbeddedAgent()
    const consul = raw(agent.address)
    const [holder, rival] = [await consul.sessionCreate({TTL: '10s', LockDelay: '15s'}), await consul.sessionCreate()]
    await consul.kvPut('lock', 'h', {acquire: holder})
    agent.faults.fastForward(20_500)
    expect((await consul.kvGet('lock'))?.session).toBeUndefined()
    expect(await consul.kvPut('lock', 'r', {acquire: rival})).toBe(false)
    agent.faults.fastForward(15_000)
    expect(await consul.kvPut('lock', 'r', {acquire: rival})).toBe(true)
  })

  it.each<[object, string]>([
    [{times: 0}, '`times` to be a whole number of at least 1, got 0'],
    [{times: Number.NaN}, '`times` to be a whole number of at least 1, got NaN'],
    [{delayMs: -1}, '`delayMs` to be a number of milliseconds from 0 to 2147483647, got -1'],
    [{delayMs: '5s'}, '`delayMs` to be a number of milliseconds from 0 to 2147483647, got "5s" (a string)'],
    [{delayMs: Infinity}, '`delayMs` to be a number of milliseconds from 0 to 2147483647, got Infinity'],
    [{status: 1e20}, '`status` to be a whole number from 200 to 599'],
    [{path: null}, '`path` to be a string, got null'],
    [{drop: true, status: 500}, 'expected one of `drop`, `dropAnswer` and `status`, got several'],
  ])('refuses the invalid rule %j', async (rule, text) => {
    await using agent = await startEmbeddedAgent()
    expect(() => agent.faults.inject(rule)).toThrow(text)
    expect((await fetch(`${agent.address}/v1/status/leader`)).status).toBe(200)
  })

  it.each([Number.NaN, -1, Infinity])('refuses to advance the clock by %d ms', async ms => {
    await using agent = await startEmbeddedAgent()
    expect(() => agent.faults.fastForward(ms)).toThrow('expected the option `ms` to be a number of milliseconds')
  })
})
