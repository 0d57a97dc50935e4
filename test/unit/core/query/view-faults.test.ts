import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {ConsulError, NoLeaderError, TransportError} from '../../../../src/core/errors.js'
import type {HiddenProbe} from '../../../../src/core/query/hidden-items.js'
import type {ViewRegistry} from '../../../../src/core/query/types.js'
import {FakeClock, settle} from '../../../kit/fake-clock.js'
import {listQuery, things} from '../support/list-query.js'
import {answering, collect, openRegistry, type Script} from '../support/view-harness.js'

let clock: FakeClock
let registry: ViewRegistry
let answer: ReturnType<typeof answering>

beforeEach(() => {
  clock = new FakeClock(1000)
  answer = answering(clock)
  registry = openRegistry(clock)
})
afterEach(async () => {
  await registry[Symbol.asyncDispose]()
  expect(clock.pendingCount).toBe(0)
})

describe('view: outages', () => {
  it('keeps its items during errors, and reports only differences afterwards', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const got = collect(view.subscribe())
    await settle()
    await answer(script, 5n, things('a=1@3'))
    for (let failure = 0; failure < 3; failure += 1) {
      script.last.fail(new TransportError('BATON_CONNECT', 'refused'))
      await clock.advance(3000)
    }
    expect(view.status).toMatchObject({state: 'stale', error: {code: 'BATON_CONNECT'}})
    expect(view.current?.value).toHaveLength(1)
    await answer(script, 9n, things('a=1@3', 'b=1@9'))
    expect(got.words).toEqual(['[initial', '+a=1', ']1', '!live', '!stale', '+b=1', '!live'])
  })

  it('reports that the agent cannot be reached, even at the start', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const got = collect(view.subscribe())
    for (let failure = 0; failure < 3; failure += 1) {
      await settle()
      script.last.fail(new TransportError('BATON_CONNECT', 'refused'))
      await clock.advance(1500)
    }
    expect(view.status).toMatchObject({state: 'connecting', error: {code: 'BATON_CONNECT'}})
    await answer(script, 9n, things('a=1@3'))
    expect(got.words).toEqual(['!connecting', '[initial', '+a=1', ']1', '!live'])
  })

  it('reports only differences after the index went back, if no item became older', async () => {
    const script = listQuery(clock)
    const got = collect(registry.view(script.query).subscribe())
    await settle()
    await answer(script, 50n, things('a=1@3'))
    await answer(script, 20n, things('ignored=1@3'))
    await answer(script, 20n, things('a=1@3', 'b=1@19'))
    expect(got.words).toEqual(['[initial', '+a=1', ']1', '!live', '+b=1'])
  })

  it('sends a reset to its readers if an item became older', async () => {
    const script = listQuery(clock)
    const got = collect(registry.view(script.query).subscribe())
    await settle()
    await answer(script, 50n, things('a=2@40', 'b=1@1'))
    script.last.fail(new TransportError('BATON_CONNECT', 'agent restarts'))
    await clock.advance(200)
    await answer(script, 20n, things('a=1@10', 'b=1@1'))
    expect(got.words).toEqual(['[initial', '+a=2', '+b=1', ']2', '!live'])
    // The leader answers the consistent read with the same items.
    await answer(script, 20n, things('a=1@10', 'b=1@1'))
    expect(got.words).toEqual(['[initial', '+a=2', '+b=1', ']2', '!live', '[reset', '+a=1', '+b=1', ']2'])
    expect(got.frames[5]?.epoch).toBe((got.frames[4]?.epoch ?? 0) + 1)
  })

  it('sends a reset to its readers if, after an error, an item has different content but the same ModifyIndex', async () => {
    const script = listQuery(clock)
    const got = collect(registry.view(script.query).subscribe())
    await settle()
    await answer(script, 10n, things('a=old@10'))
    script.last.fail(new TransportError('BATON_CONNECT', 'agent restarts'))
    await clock.advance(200)
    await answer(script, 10n, things('a=new@10'))
    expect(got.words).toEqual(['[initial', '+a=old', ']1', '!live', '[reset', '+a=new', ']1'])
  })

  it('fails if Consul refuses the request as invalid, and tries again when there is a new subscriber', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const subscription = view.subscribe()
    const got = collect(subscription)
    await settle()
    script.last.fail(new ConsulError('BATON_HTTP', 'bad filter', {status: 400, text: ''}))
    await expect(subscription.ready).rejects.toThrow('bad filter')
    await settle()
    expect(got.words).toEqual(['error bad filter'])
    expect(view.status.state).toBe('failed')
    const next = view.subscribe()
    await settle()
    script.last.answer(5n, things('a=1@3'))
    expect((await next.ready).index).toBe(5n)
  })

  it('while items change constantly, reports once that the rate limiter delays it, and counts the total delay', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const got = collect(view.subscribe())
    await settle()
    for (let index = 1n; index < 100n; index += 1n) {
      if (script.last.isOpen) script.last.answer(index, things(`a=1@${index}`))
      await clock.advance(20)
    }
    expect(got.words.filter(frame => frame === '!limited')).toHaveLength(1)
    expect(view.stats.limitedMs).toBeGreaterThan(500)
    await clock.advance(3000)
    expect(got.words.at(-1)).toBe('!live')
  })
})

describe('view: empty answers', () => {
  async function startWithOne(): Promise<{script: Script; words: string[]; state: () => unknown}> {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const {words} = collect(view.subscribe())
    await settle()
    await answer(script, 5n, things('a=1@3'))
    return {script, words, state: () => view.status}
  }

  it('confirms an empty answer with one consistent read if the list had items', async () => {
    const {script, words} = await startWithOne()
    await answer(script, 9n, [])
    expect(script.last.options).toMatchObject({consistency: 'consistent'})
    expect(script.last.options.index).toBeUndefined()
    expect(words).toEqual(['[initial', '+a=1', ']1', '!live'])
    await answer(script, 9n, [])
    expect(words.slice(4)).toEqual(['-a'])
    expect(script.last.options.index).toBe(9n)
  })

  it('uses the answer of the consistent read if that answer is not empty', async () => {
    const {script, words} = await startWithOne()
    await answer(script, 9n, [])
    await answer(script, 9n, things('a=1@3', 'b=1@9'))
    expect(words.slice(4)).toEqual(['+b=1'])
  })

  it('keeps its items while the consistent read fails, and repeats that read', async () => {
    const {script, words, state} = await startWithOne()
    await answer(script, 9n, [])
    script.last.fail(
      new NoLeaderError('BATON_NO_LEADER', 'No cluster leader', {status: 500, text: '', transient: true}),
    )
    await clock.advance(0)
    expect(state()).toEqual({state: 'held', reason: 'empty'})
    await clock.advance(3000)
    await answer(script, 9n, [])
    expect(words.slice(4)).toEqual(['!held', '-a', '!live'])
  })

  it.each([
    ['permissions are missing', {filteredByAcls: true}, 'filtered'],
    ['no leader is known', {knownLeader: false}, 'no-leader'],
  ])('keeps its items while %s', async (_, facts, reason) => {
    const {script, words, state} = await startWithOne()
    script.last.answer(9n, [], facts)
    for (let elapsedMs = 0; elapsedMs < 600_000; elapsedMs += 1000) {
      await clock.advance(1000)
      if (script.last.isOpen) script.last.answer(9n, [], facts)
    }
    expect(state()).toEqual({state: 'held', reason})
    expect(words.slice(4)).toEqual(['!held'])
    expect(script.requests.length).toBeGreaterThan(10)
    expect(script.requests.length).toBeLessThan(60)
  })

  it('accepts an empty list that a consistent read confirms, even if answers do not say whether there is a leader', async () => {
    const silent = {knownLeader: undefined, lastContactMs: undefined}
    const {script, words} = await startWithOne()
    await answer(script, 9n, [], silent)
    await answer(script, 9n, [], silent)
    expect(words.slice(4)).toEqual(['-a'])
  })

  it('accepts an empty first answer, unless there is no known leader', async () => {
    const script = listQuery(clock)
    const subscription = registry.view(script.query).subscribe()
    await settle()
    script.last.answer(9n, [], {knownLeader: false})
    await clock.advance(5000)
    script.last.answer(9n, [])
    expect((await subscription.ready).value).toEqual([])
    expect(script.requests).toHaveLength(2)
  })
})

describe('view: missing items, which may be hidden because the token has lost a permission', () => {
  it('repeats an unanswered request that asks whether missing items are hidden', async () => {
    const script = listQuery(clock)
    const signals: (AbortSignal | undefined)[] = []
    const hides: HiddenProbe = (_, {signal}) => {
      signals.push(signal)
      if (signals.length > 1) return Promise.resolve(false)
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    }
    const {words} = collect(registry.view({...script.query, hides}).subscribe())
    await settle()
    await answer(script, 5n, things('a=1@3', 'b=1@3'))
    await answer(script, 9n, things('b=1@3'))
    await clock.advance(15_000)
    expect(signals[0]?.reason).toMatchObject({code: 'BATON_TIMEOUT'})
    await clock.advance(2000)
    await answer(script, 9n, things('b=1@3'))
    expect(words).toContain('-a')
  })

  it('reports an outage that begins while it asks whether missing items are hidden', async () => {
    const script = listQuery(clock)
    let isDown = true
    const hides: HiddenProbe = async () => {
      if (isDown) throw new TransportError('BATON_CONNECT', 'refused')
      return false
    }
    const view = registry.view({...script.query, hides})
    const {words} = collect(view.subscribe())
    await settle()
    await answer(script, 5n, things('a=1@3', 'b=1@3'))
    await answer(script, 9n, things('b=1@3'))
    expect(view.status).toMatchObject({state: 'stale', error: {code: 'BATON_CONNECT'}})
    isDown = false
    await clock.advance(2000)
    await answer(script, 9n, things('b=1@3'))
    expect(words.slice(-3)).toEqual(['!stale', '-a', '!live'])
  })

  it('waits for the rate limiter before each request that asks whether missing items are hidden', async () => {
    const script = listQuery(clock)
    const sentAtMs: number[] = []
    const hides: HiddenProbe = async (_keys, _options, pace) => {
      for (let request = 0; request < 12; request += 1) {
        await pace()
        sentAtMs.push(clock.monotonicMs())
      }
      return false
    }
    collect(registry.view({...script.query, hides}).subscribe())
    await settle()
    await answer(script, 5n, things('a=1@3', 'b=1@3'))
    await answer(script, 9n, things('b=1@3'))
    await clock.advance(2000)
    expect(sentAtMs).toHaveLength(12)
    expect((sentAtMs[10] ?? 0) - (sentAtMs[0] ?? 0)).toBeGreaterThanOrEqual(1000)
  })
})

describe('view: events', () => {
  it('delivers only new events, reports no deletion for events that left the list, and reports a gap', async () => {
    const script = listQuery(clock, {appendOnly: true, guardEmpty: false})
    const got = collect(registry.view(script.query).subscribe())
    await settle()
    await answer(script, 1n, things('e1=@1', 'e2=@2'))
    await answer(script, 2n, things('e2=@2', 'e3=@3'))
    await answer(script, 3n, [])
    await answer(script, 4n, things('e2=@2', 'e4=@4'))
    await answer(script, 5n, things('e8=@8', 'e9=@9'))
    expect(got.words).toEqual(['[initial', '+e1=', '+e2=', ']2', '!live', '+e3=', '+e4=', '?e4', '+e8=', '+e9='])
  })
})
