import {describe, expect, it} from 'vitest'
import {polledRead} from '../../../../src/core/query/polled.js'
import type {ConsulIndex, ReadOptions, Snapshot} from '../../../../src/core/types.js'
import {FakeClock} from '../../../kit/fake-clock.js'

function setUp(random = 0.5) {
  const clock = new FakeClock()
  const state = {value: 'a', requests: [] as {readonly atMs: number; readonly options: ReadOptions}[]}
  const read = polledRead<string>(
    {clock, random: () => random},
    {
      everyMs: 10_000,
      versionOf: value => value,
      read: async options => {
        state.requests.push({atMs: clock.monotonicMs(), options})
        return {value: state.value, index: 1n} as unknown as Snapshot<string>
      },
    },
  )
  return {clock, state, read, times: () => state.requests.map(({atMs}) => atMs)}
}

describe('polledRead', () => {
  it('without an index, reads once and at once; with an index, reads at intervals until the answer changes', async () => {
    const {clock, state, read, times} = setUp()
    const first = await read({})
    expect([first.index, times()]).toEqual([1n, [0]])
    let next: Snapshot<string> | undefined
    void read({index: first.index!, waitMs: 60_000}).then(answer => {
      next = answer
    })
    await clock.advance(20_000)
    expect([next, times()]).toEqual([undefined, [0, 10_000, 20_000]])
    state.value = 'b'
    await clock.advance(10_000)
    expect(next).toMatchObject({value: 'b', index: 2n})
  })

  it('resolves with the unchanged answer at the end of the wait time, and not before', async () => {
    const {clock, read} = setUp()
    const {index} = await read({})
    let endedAtMs = 0
    void read({index: index!, waitMs: 25_000}).then(() => {
      endedAtMs = clock.monotonicMs()
    })
    await clock.advance(60_000)
    expect(endedAtMs).toBe(25_000)
  })

  it('varies its pauses by up to a quarter', async () => {
    for (const [random, firstMs] of [
      [0, 7500],
      [0.999, 12_495],
    ] as const) {
      const {clock, read, times} = setUp(random)
      void read({index: 1n as ConsulIndex, waitMs: 60_000})
      await clock.advance(12_500)
      expect(times()).toEqual([firstMs])
    }
  })

  it('ends if the signal aborts during a pause, and limits each request to less than the wait time', async () => {
    const {clock, state, read} = setUp()
    const {index} = await read({})
    const stop = new AbortController()
    const ended = expect(read({index: index!, waitMs: 60_000, timeoutMs: 75_000, signal: stop.signal})).rejects.toThrow(
      'over',
    )
    await clock.advance(10_000)
    expect(state.requests.at(-1)?.options).toMatchObject({timeoutMs: 9000})
    stop.abort(new Error('over'))
    await ended
    expect(clock.pendingCount).toBe(0)
  })
})
