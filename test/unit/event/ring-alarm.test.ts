import {describe, expect, it} from 'vitest'
import type {UserEvent} from '../../../src/core/types.js'
import {EventState} from '../../../src/event/intake/event-state.js'
import {RingAlarm} from '../../../src/event/ring/ring-alarm.js'
import {userEvent} from './support.js'

const ring = (from: number, count = 256): UserEvent[] =>
  Array.from({length: count}, (_, n) => userEvent(`e${from + n}`, from + n))

function setUp(state = EventState.inMemory({datacenter: 'dc1', node: 'n1'})) {
  const overflows: string[] = []
  const alarm = new RingAlarm({state, onOverflow: ({newest}) => overflows.push(newest)})
  return {state, overflows, look: (list: readonly UserEvent[]) => alarm.guard(list, async () => {})}
}

describe('the alarm about events that passed unseen', () => {
  it('is raised when a full ring holds nothing known, and only then', async () => {
    const {look, overflows} = setUp()
    await look(ring(0))
    await look(ring(255))
    expect(overflows).toEqual([])
    await look(ring(600))
    expect(overflows).toEqual(['e855'])
    await look([])
    await look(ring(2000, 3))
    expect(overflows).toEqual(['e855'])
  })

  it('is raised once for what passed while no watcher ran, not again at every start', async () => {
    const {state, look} = setUp()
    await look(ring(0))
    const second = setUp(state)
    await second.look(ring(100))
    expect(second.overflows).toEqual([])
    const third = setUp(state)
    await third.look(ring(1000))
    await third.look(ring(1000))
    expect(third.overflows).toEqual(['e1255'])
    const fourth = setUp(state)
    await fourth.look(ring(1000))
    expect(fourth.overflows).toEqual([])
  })

  it('writes one mark for half a ring of foreign events', async () => {
    const {state, look} = setUp()
    for (let n = 0; n < 256; n += 1) await look(ring(n))
    expect(state.size).toBeLessThanOrEqual(3)
  })
})
