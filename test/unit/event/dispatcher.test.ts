import {describe, expect, it} from 'vitest'
import type {UserEvent} from '../../../src/core/types.js'
import {Dispatcher, type DispatchOptions, deadLetter} from '../../../src/event/intake/dispatcher.js'
import {EventState} from '../../../src/event/intake/event-state.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {userEvent} from './support.js'

const ids = (events: readonly UserEvent[]): string[] => events.map(event => event.id)

async function setUp(over: Partial<DispatchOptions> = {}) {
  const clock = new FakeClock()
  const state = over.state ?? EventState.inMemory({datacenter: 'dc1', node: 'n1'})
  const stop = new AbortController()
  const runs: string[] = []
  const dead: string[] = []
  const dispatcher = await Dispatcher.create({
    state,
    clock,
    random: () => 0,
    signal: stop.signal,
    handle: async (events, attempt) => void runs.push(`${ids(events).join('+')}#${attempt}`),
    handleDead: async events => void dead.push(...ids(events)),
    ...over,
  })
  const add = async (...events: UserEvent[]): Promise<void> => {
    await state.take(events)
    dispatcher.add(events)
  }
  return {clock, state, stop, runs, dead, dispatcher, add}
}

describe('the dispatcher, which runs handlers for events', () => {
  it('runs one handler for each event, in order, and records the outcome of each', async () => {
    const {add, dispatcher, runs, state} = await setUp()
    await add(userEvent('a', 1), userEvent('b', 2))
    await dispatcher.idle()
    expect(runs).toEqual(['a#1', 'b#1'])
    expect(state.pending()).toEqual([])
  })

  it("records the start of an event before the event's handler runs", async () => {
    const seen: (boolean | undefined)[] = []
    const state = EventState.inMemory({datacenter: 'dc1', node: 'n1'})
    const {add, dispatcher} = await setUp({
      state,
      handle: async () => void seen.push(state.pending()[0]?.isRestarted),
    })
    await add(userEvent('a', 1))
    await dispatcher.idle()
    expect(seen).toEqual([true])
  })

  it('runs at most as many handlers at once as allowed', async () => {
    let running = 0
    let most = 0
    const {add, dispatcher, clock} = await setUp({
      concurrency: 3,
      handle: async () => {
        running += 1
        most = Math.max(most, running)
        await clock.sleep(10)
        running -= 1
      },
    })
    await add(...Array.from({length: 7}, (_, n) => userEvent(`e${n}`, n)))
    await clock.advance(100)
    await dispatcher.idle()
    expect(most).toBe(3)
  })

  it('passes all waiting events to a single run of the handler if the option isBatched is set', async () => {
    const {add, dispatcher, runs, clock} = await setUp({
      isBatched: true,
      handle: async events => {
        runs.push(ids(events).join('+'))
        await clock.sleep(10)
      },
    })
    await add(userEvent('a', 1))
    await clock.advance(0)
    await add(userEvent('b', 2))
    await add(userEvent('c', 3))
    await clock.advance(100)
    await dispatcher.idle()
    expect(runs).toEqual(['a', 'b+c'])
  })

  it('retries a failed handler after growing delays, and finally abandons the event', async () => {
    const attempts: number[] = []
    const {add, dispatcher, clock, dead, state} = await setUp({
      retryCount: 2,
      retryDelayMs: 100,
      handle: async (_events, attempt) => {
        attempts.push(attempt)
        throw new Error('no')
      },
    })
    await add(userEvent('a', 1))
    await clock.advance(1000)
    await dispatcher.idle()
    expect(attempts).toEqual([1, 2, 3])
    expect(dead).toEqual(['a'])
    expect(state.pending()).toEqual([])
  })

  it('if a handler is interrupted, leaves its event for the next run of the watch', async () => {
    const {add, dispatcher, stop, state, clock} = await setUp({
      handle: async (_events, _attempt, signal) => clock.sleep(1000, signal),
    })
    await add(userEvent('a', 1), userEvent('b', 2))
    await clock.advance(10)
    stop.abort(new Error('enough'))
    await dispatcher.close()
    expect(state.pending().map(({event, isRestarted}) => [event.id, isRestarted])).toEqual([
      ['a', true],
      ['b', false],
    ])
  })

  it('fails if an abandoned event cannot be stored', async () => {
    const {add, dispatcher} = await setUp({
      handle: () => Promise.reject(new Error('no')),
      handleDead: () => Promise.reject(new Error('disk full')),
    })
    await add(userEvent('a', 1))
    await expect(dispatcher.failed).rejects.toThrow('disk full')
  })

  it('writes a dead letter from which the event can be fired again', () => {
    const event = userEvent('a', 1, {payload: Buffer.from('x')})
    expect(JSON.parse(deadLetter(event, new Error('why'), 0))).toEqual({
      v: 1,
      at: '1970-01-01T00:00:00.000Z',
      id: 'a',
      name: 'deploy',
      payload: 'eA==',
      ltime: '1',
      error: 'why',
    })
  })
})
