import {describe, expect, it} from 'vitest'
import {Lane} from '../../../../src/core/http/lane.js'
import {settle} from '../../../kit/fake-clock.js'

const never = new AbortController().signal

describe('Lane, a queue for a limited number of connections', () => {
  it('opens as few connections as needed, and reuses the most recently used one first', async () => {
    let opened = 0
    const lane = new Lane(3, () => ++opened)
    const one = await lane.take(never)
    const two = await lane.take(never)
    lane.give(one, true)
    lane.give(two, true)
    expect(await lane.take(never)).toBe(two)
    expect(opened).toBe(2)
  })

  it('serves waiting callers in order, and skips those that have cancelled', async () => {
    let opened = 0
    const lane = new Lane(1, () => ++opened)
    const first = await lane.take(never)
    const stop = new AbortController()
    const order: string[] = []
    const left = lane.take(stop.signal).catch((error: unknown) => order.push((error as Error).message))
    void lane.take(never).then(() => order.push('second'))
    void lane.take(never).then(() => order.push('third'))
    stop.abort(new Error('left'))
    await left
    lane.give(first, false)
    await settle()
    expect(order).toEqual(['left', 'second'])
    expect(opened).toBe(2)
    lane.give(2, true)
    await settle()
    expect(order).toEqual(['left', 'second', 'third'])
  })

  it('rejects waiting and new callers once it is closed', async () => {
    const lane = new Lane(1, () => 'resource')
    const resource = await lane.take(never)
    const waiting = lane.take(never)
    expect(lane.close(new Error('closed'))).toEqual([resource])
    await expect(waiting).rejects.toThrow('closed')
    await expect(lane.take(never)).rejects.toThrow('closed')
  })
})
