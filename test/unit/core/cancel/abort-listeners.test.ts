import {getEventListeners} from 'node:events'
import {expect, it} from 'vitest'
import {addAbortListener} from '../../../../src/core/cancel/abort-listeners.js'

it('calls the listeners of a signal that were not removed, and adds one listener to the signal for all of them', () => {
  const controller = new AbortController()
  const called: number[] = []
  const removes = [1, 2, 3].map(number => addAbortListener(controller.signal, () => called.push(number)))
  removes[1]?.()
  for (let count = 0; count < 1000; count += 1) addAbortListener(controller.signal, () => called.push(4))()
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
  controller.abort()
  expect(called).toEqual([1, 3])
})

it('leaves no listener on a signal after the last one was removed, even if one is removed twice', () => {
  const controller = new AbortController()
  const {signal} = controller
  const remove = addAbortListener(signal, () => {})
  remove()
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  let count = 0
  addAbortListener(signal, () => (count += 1))
  remove()
  addAbortListener(signal, () => (count += 1))
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  controller.abort()
  expect(count).toBe(2)
})
