import {describe, expect, it} from 'vitest'
import {Coalescer} from '../../../src/event/intake/coalescer.js'
import {OrderWindow} from '../../../src/event/intake/order-window.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {userEvent} from './support.js'

const item = (id: string, lTime: number, name = 'deploy') => ({event: userEvent(id, lTime, {name})})
type Item = ReturnType<typeof item>

describe('the order window, which waits for late events', () => {
  const setUp = (windowMs: number) => {
    const clock = new FakeClock()
    const released: string[][] = []
    const release = (items: readonly Item[]): void => void released.push(items.map(one => one.event.id))
    return {clock, released, window: new OrderWindow<Item>({clock, windowMs, release})}
  }

  it('sorts events by Lamport time, then by ID, if they arrive at the same time', () => {
    const {window, released} = setUp(0)
    window.add([item('c', 2), item('b', 1), item('a', 2)])
    expect(released).toEqual([['b', 'a', 'c']])
  })

  it('passes a late event on before a newer one that is still waiting', async () => {
    const {clock, window, released} = setUp(300)
    window.add([item('new', 5)])
    await clock.advance(200)
    window.add([item('late', 3), item('later', 9)])
    await clock.advance(99)
    expect(released).toEqual([])
    await clock.advance(1)
    expect(released).toEqual([['late', 'new']])
    await clock.advance(200)
    expect(released).toEqual([['late', 'new'], ['later']])
    expect(clock.pendingCount).toBe(0)
  })
})

describe('the coalescer, which drops all but the newest event of each name', () => {
  const setUp = () => {
    const clock = new FakeClock()
    const released: string[] = []
    const dropped: string[] = []
    const coalescer = new Coalescer<Item>({
      clock,
      periodMs: 3000,
      quietMs: 1000,
      release: items => released.push(...items.map(one => one.event.id)),
      dropped: one => dropped.push(one.event.id),
    })
    return {clock, released, dropped, coalescer}
  }

  it('passes on only the newest event of each name, after one second without events', async () => {
    const {clock, released, dropped, coalescer} = setUp()
    coalescer.add([item('a', 1), item('c', 3), item('b', 2), item('x', 1, 'other')])
    await clock.advance(999)
    expect(released).toEqual([])
    await clock.advance(1)
    expect(released.sort()).toEqual(['c', 'x'])
    expect(dropped).toEqual(['a', 'b'])
  })

  it('passes the newest event on after the maximum period even if events keep arriving', async () => {
    const {clock, released, coalescer} = setUp()
    for (let n = 0; n < 10; n += 1) {
      coalescer.add([item(`e${n}`, n)])
      await clock.advance(400)
    }
    expect(released).toEqual(['e7'])
    await clock.advance(3000)
    expect(released).toEqual(['e7', 'e9'])
    expect(clock.pendingCount).toBe(0)
  })
})
