import {describe, expect, it} from 'vitest'
import type {UserEvent} from '../../../src/core/types.js'
import {EventState} from '../../../src/event/intake/event-state.js'
import {RingAlarm} from '../../../src/event/ring/ring-alarm.js'
import {userEvent} from './support.js'

const ring = (from: number, count = 256): UserEvent[] =>
  Array.from({length: count}, (_, n) => userEvent(`e${from + n}`, from + n))

function setUp(state = EventState.inMemory({datacenter: 'dc1', node: 'n1'}), isWhole = true) {
  const missed: string[] = []
  let nowMs = 0
  const alarm = new RingAlarm({
    state,
    isWhole,
    wallMs: () => (nowMs += 1000),
    onMissed: facts => {
      if (facts.reason === 'pruned') return
      const {reason, listedCount, sinceMs, untilMs} = facts
      missed.push(`${reason} ${listedCount} ${sinceMs ?? 'before'}-${untilMs}`)
    },
  })
  return {state, missed, look: (list: readonly UserEvent[]) => alarm.guard(list, async () => {})}
}

describe('the alarm about missed events', () => {
  it('is raised only if a full list contains no event that was seen before', async () => {
    const {look, missed} = setUp()
    await look(ring(0))
    await look(ring(255))
    expect(missed).toEqual([])
    await look(ring(600))
    expect(missed).toEqual(['overflow 256 2000-3000'])
  })

  it('is raised once for events that were missed while no watch was running, and not again at the next start', async () => {
    const {state, look} = setUp()
    await look(ring(0))
    const second = setUp(state)
    await second.look(ring(100))
    expect(second.missed).toEqual([])
    const third = setUp(state)
    await third.look(ring(1000))
    await third.look(ring(1000))
    expect(third.missed).toEqual(['overflow 256 before-1000'])
    const fourth = setUp(state)
    await fourth.look(ring(1000))
    expect(fourth.missed).toEqual([])
  })

  it('is raised if a list that is not full lacks the newest event of the previous list', async () => {
    const {look, missed} = setUp()
    await look([])
    await look(ring(0, 3))
    await look(ring(0, 5))
    expect(missed).toEqual([])
    await look(ring(10, 2))
    expect(missed).toEqual(['restart 2 3000-4000'])
    await look(ring(10, 4))
    expect(missed).toHaveLength(1)
  })

  it('is not raised if a list that is not full lacks only the oldest events of the previous list', async () => {
    const {look, missed} = setUp()
    await look(ring(0, 5))
    await look(ring(3, 5))
    expect(missed).toEqual([])
  })

  it("is raised once if an agent's list becomes empty, even across restarts of the watch", async () => {
    const {state, look, missed} = setUp()
    await look(ring(0, 3))
    await look([])
    await look([])
    await look(ring(10, 1))
    expect(missed).toEqual(['restart 0 1000-2000'])
    const second = setUp(state)
    await second.look([])
    expect(second.missed).toEqual(['restart 0 before-1000'])
    const third = setUp(state)
    await third.look(ring(20, 1))
    expect(third.missed).toEqual([])
    const fourth = setUp(state)
    await fourth.look(ring(30, 1))
    expect(fourth.missed).toEqual(['restart 1 before-1000'])
  })

  it('is not raised if events are missing from a list that contains events of only one name', async () => {
    const {look, missed} = setUp(undefined, false)
    await look(ring(0, 3))
    await look(ring(10, 3))
    await look([])
    expect(missed).toEqual([])
  })

  it('stores at most three records for 256 events that no handler selects', async () => {
    const {state, look} = setUp()
    for (let n = 0; n < 256; n += 1) await look(ring(n))
    expect(state.size).toBeLessThanOrEqual(3)
  })
})
