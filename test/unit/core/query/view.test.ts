import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {PermissionError} from '../../../../src/core/errors.js'
import type {ViewRegistry} from '../../../../src/core/query/types.js'
import {FakeClock, settle} from '../../../kit/fake-clock.js'
import {listQuery, things} from '../support/list-query.js'
import {answering, collect, openRegistry, word} from '../support/view-harness.js'

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

describe('view: the stream of a reader', () => {
  it('marks the start and end of the first snapshot, and then reports only differences', async () => {
    const script = listQuery(clock)
    const subscription = registry.view(script.query).subscribe()
    const got = collect(subscription)
    await settle()
    await answer(script, 5n, things('a=1@3', 'b=1@5'))
    await answer(script, 7n, things('a=1@3', 'b=2@7', 'c=1@6'))
    await answer(script, 9n, things('c=1@6', 'b=2@7'))
    expect(got.words).toEqual(['[initial', '+a=1', '+b=1', ']2', '!live', '+c=1', '+b=2', '-a'])
    const [, , , , , c, b, a] = got.frames
    expect(c?.seq).toBe(b?.seq)
    expect(a?.seq).toBe((b?.seq ?? 0) + 1)
    expect(b).toMatchObject({previous: {text: '1'}})
    expect(a).toMatchObject({previous: {name: 'a'}})
  })

  it('reports nothing if an answer has a new index but the same items', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const subscription = view.subscribe()
    const got = collect(subscription)
    const snapshots: bigint[] = []
    const read = async (): Promise<void> => {
      for await (const snapshot of subscription.snapshots()) snapshots.push(snapshot.index ?? 0n)
    }
    void read()
    await settle()
    await answer(script, 5n, things('a=1@3'))
    await answer(script, 6n, things('a=1@3'))
    await answer(script, 7n, things('a=1@3'))
    expect(got.words).toEqual(['[initial', '+a=1', ']1', '!live'])
    expect(snapshots).toEqual([5n])
    expect(view.current?.index).toBe(7n)
    expect(view.stats).toMatchObject({requests: 4, changes: 1})
  })

  it('passes an answer to its readers before it sends the next request', async () => {
    const script = listQuery(clock)
    const subscription = registry.view(script.query).subscribe()
    const requestsAt: number[] = []
    const note = async (items: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of items) requestsAt.push(script.requests.length)
    }
    void note(subscription.snapshots())
    void note(subscription.frames())
    await settle()
    script.last.answer(5n, things('a=1@3', 'b=1@4'))
    await settle()
    expect(requestsAt).toEqual([1, 1, 1, 1, 1, 1])
    expect(script.requests).toHaveLength(2)
  })

  it('resolves `ready` with the first snapshot, even if later ones have arrived', async () => {
    const script = listQuery(clock)
    const subscription = registry.view(script.query).subscribe()
    await settle()
    await answer(script, 5n, things('a=1@3'))
    await answer(script, 6n, things('a=2@6'))
    expect((await subscription.ready).index).toBe(5n)
  })

  it('applies the filter of each subscriber to the same answer', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const ones = collect(view.subscribe({filter: thing => thing.text === '1'}))
    const bs = collect(view.subscribe({filter: (_, key) => key === 'b'}))
    await settle()
    await answer(script, 5n, things('a=1@3', 'b=2@4'))
    await answer(script, 7n, things('a=2@6', 'b=1@7'))
    await answer(script, 8n, things('b=3@8'))
    expect(ones.words).toEqual(['[initial', '+a=1', ']1', '!live', '-a', '+b=1', '-b'])
    expect(bs.words).toEqual(['[initial', '+b=2', ']1', '!live', '+b=1', '+b=3'])
    expect(script.requests).toHaveLength(4)
  })
})

describe('view: sharing', () => {
  it('sends one request for many subscribers, and gives a new subscriber the current snapshot without a request', async () => {
    const script = listQuery(clock)
    for (let reader = 0; reader < 50; reader += 1) registry.view(script.query).subscribe()
    await settle()
    expect(script.requests).toHaveLength(1)
    await answer(script, 5n, things('a=1@3'))
    const joiner = registry.view(listQuery(clock).query).subscribe()
    const got = collect(joiner)
    await settle()
    expect((await joiner.ready).index).toBe(5n)
    expect(got.words).toEqual(['[initial', '+a=1', ']1', '!live'])
    expect(script.requests).toHaveLength(2)
  })

  it('lets each subscriber read at its own pace, and sends a new snapshot to a subscriber that lags behind', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const slow = view.subscribe().frames()
    const fast = collect(view.subscribe())
    await settle()
    await answer(script, 1n, things('a=0@1'))
    for (const expected of ['[initial', '+a=0', ']1', '!live']) expect(word((await slow.next()).value)).toBe(expected)
    for (let index = 2n; index < 400n; index += 1n) await answer(script, index, things(`a=${index}@${index}`))
    expect(fast.words).toHaveLength(4 + 398)
    const words: string[] = []
    for (let frame = 0; frame < 3; frame += 1) words.push(word((await slow.next()).value))
    expect(words).toEqual(['[lagged', '+a=399', ']1'])
  })

  it('sends a new snapshot to a reader that has not finished an older one', async () => {
    const script = listQuery(clock)
    const slow = registry.view(script.query).subscribe().frames()
    await settle()
    await answer(script, 1n, things('a=0@1', 'b=0@1'))
    for (const expected of ['[initial', '+a=0']) expect(word((await slow.next()).value)).toBe(expected)
    for (let index = 2n; index < 300n; index += 1n) await answer(script, index, things(`a=${index}@${index}`, 'c=0@1'))
    const words: string[] = []
    for (let frame = 0; frame < 4; frame += 1) words.push(word((await slow.next()).value))
    expect(words).toEqual(['[lagged', '+a=299', '+c=0', ']2'])
  })

  it('continues after a resume token, or sends a snapshot if the changes since that token are gone', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    view.subscribe()
    const first = view.subscribe()
    const seen = collect(first)
    await settle()
    await answer(script, 5n, things('a=1@3'))
    const {token} = first
    expect(token).toEqual({epoch: seen.frames.at(-1)?.epoch, seq: seen.frames.at(-1)?.seq})
    await first[Symbol.asyncDispose]()
    await answer(script, 6n, things('a=2@6'))
    expect(seen.words.at(-1)).toBe('end')
    const resumed = collect(view.subscribe({resume: token}))
    const missed = collect(view.subscribe({resume: {...token, epoch: token.epoch + 1}}))
    await settle()
    expect(resumed.words).toEqual(['+a=2', '!live'])
    expect(missed.words).toEqual(['[resume-miss', '+a=2', ']1', '!live'])
  })

  it('gives a slow reader only the newest snapshot', async () => {
    const script = listQuery(clock)
    const subscription = registry.view(script.query).subscribe()
    const snapshots = subscription.snapshots()
    await settle()
    await answer(script, 1n, things('a=1@1'))
    expect((await snapshots.next()).value?.index).toBe(1n)
    for (let index = 2n; index < 10n; index += 1n) await answer(script, index, things(`a=1@${index}`))
    expect((await snapshots.next()).value?.index).toBe(9n)
    const pending = snapshots.next()
    await subscription[Symbol.asyncDispose]()
    expect(await pending).toMatchObject({done: true})
  })
})

describe('view: first and last subscriber', () => {
  it('continues to read for the linger time after its last subscriber has left', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const subscription = view.subscribe()
    await settle()
    await answer(script, 5n, things('a=1@3'))
    await subscription[Symbol.asyncDispose]()
    await clock.advance(59_000)
    expect(script.last.isOpen).toBe(true)
    const back = registry.view(script.query).subscribe()
    await settle()
    expect(script.requests).toHaveLength(2)
    await back[Symbol.asyncDispose]()
    await clock.advance(60_000)
    expect(script.last.isOpen).toBe(false)
    const later = view.subscribe()
    await settle()
    expect(script.last.isOpen).toBe(true)
    await later[Symbol.asyncDispose]()
  })

  it('stops reading at once if the linger time is 0', async () => {
    registry = openRegistry(clock, {lingerMs: 0})
    const script = listQuery(clock)
    const stop = new AbortController()
    const subscription = registry.view(script.query).subscribe({signal: stop.signal})
    await settle()
    stop.abort(new Error('enough'))
    await expect(subscription.ready).rejects.toThrow('enough')
    await settle()
    expect(script.last.isOpen).toBe(false)
  })

  it('closes its subscriptions when it is disposed, and can be disposed twice', async () => {
    const script = listQuery(clock)
    const view = registry.view(script.query)
    const subscription = view.subscribe()
    const got = collect(subscription)
    await settle()
    await answer(script, 5n, things('a=1@3'))
    await view[Symbol.asyncDispose]()
    await view[Symbol.asyncDispose]()
    expect(got.words.at(-1)).toBe('end')
    await registry[Symbol.asyncDispose]()
    expect(() => registry.view(script.query)).toThrow('its registry is closed')
  })

  it('polls a query every 15 s if the limit on blocking queries is already reached', async () => {
    registry = openRegistry(clock, {places: 2})
    const scripts = ['a', 'b', 'c'].map(id => listQuery(clock, {id}))
    for (const script of scripts) registry.view(script.query).subscribe()
    await settle()
    for (const script of scripts) await answer(script, 5n, things('a=1@3'))
    expect(scripts.map(script => script.last.isOpen)).toEqual([true, true, false])
    await clock.advance(15_000)
    const [, , polled] = scripts
    expect(polled?.last.isOpen).toBe(true)
    polled?.last.answer(6n, things('a=2@6'))
    await clock.advance(14_000)
    expect(polled?.requests).toHaveLength(2)
    await clock.advance(1000)
    expect(polled?.requests).toHaveLength(3)
    expect(polled?.requests.map(request => request.options.index)).toEqual([undefined, undefined, undefined])
  })

  it('counts an abandoned blocking query towards the limit for as long as the agent keeps it', async () => {
    registry = openRegistry(clock, {places: 1, lingerMs: 0})
    const [first, second] = [listQuery(clock, {id: 'a'}), listQuery(clock, {id: 'b'})]
    const subscription = registry.view(first.query).subscribe()
    await settle()
    await answer(first, 5n, things('a=1@3'))
    await subscription[Symbol.asyncDispose]()
    registry.view(second.query).subscribe()
    await settle()
    await answer(second, 5n, things('a=1@3'))
    await clock.advance(20_000)
    expect(second.last.options.index).toBeUndefined()
    for (let elapsedMs = 0; elapsedMs < 60_000; elapsedMs += 1000) {
      if (second.last.isOpen && second.last.options.index === undefined) second.last.answer(5n, things('a=1@3'))
      await clock.advance(1000)
    }
    expect(second.last.options.index).toBe(5n)
  })

  it('does not count a query that is backing off towards the limit of blocking queries', async () => {
    registry = openRegistry(clock, {places: 1})
    const [refused, other] = [listQuery(clock, {id: 'a'}), listQuery(clock, {id: 'b'})]
    registry.view(refused.query).subscribe()
    await settle()
    await answer(refused, 5n, things('a=1@3'))
    const denied = {status: 403, text: 'Permission denied'}
    refused.last.fail(new PermissionError('BATON_ACL_DENIED', 'no', denied))
    registry.view(other.query).subscribe()
    await settle()
    await answer(other, 5n, things('a=1@3'))
    expect(other.last.options.index).toBe(5n)
  })
})
