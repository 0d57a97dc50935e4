import {getEventListeners} from 'node:events'
import {describe, expect, it} from 'vitest'
import {linkSignal, whenAborted} from '../../../../src/core/cancel/link-signal.js'
import {ReleaseStack} from '../../../../src/core/cancel/release-stack.js'
import {FakeClock} from '../../../kit/fake-clock.js'

describe('linkSignal', () => {
  it('returns a signal that aborts with its parent, at its timeout or directly, and keeps the first reason', async () => {
    const clock = new FakeClock()
    const parent = new AbortController()
    using link = linkSignal(parent.signal, {clock, timeoutMs: 100, onTimeout: () => 'late'})
    await clock.advance(100)
    parent.abort('parent')
    link.abort('hand')
    expect(link.signal.reason).toBe('late')
    using second = linkSignal(parent.signal)
    expect(second.signal.reason).toBe('parent')
    using third = linkSignal(undefined)
    third.abort('hand')
    expect(third.signal.reason).toBe('hand')
  })

  it('leaves no listener on the parent signal and no timer on the clock', async () => {
    const clock = new FakeClock()
    const parent = new AbortController()
    for (let count = 0; count < 1000; count += 1) {
      using _link = linkSignal(parent.signal, {clock, timeoutMs: 1000})
      using _wait = whenAborted(parent.signal)
    }
    expect(getEventListeners(parent.signal, 'abort')).toHaveLength(0)
    expect(clock.pendingCount).toBe(0)
  })
})

describe('ReleaseStack', () => {
  it('releases everything once, in reverse order, and throws the first error', async () => {
    const order: string[] = []
    const stack = new ReleaseStack()
    stack.defer(() => void order.push('first'))
    stack.defer(() => {
      order.push('second')
      throw new Error('second failed')
    })
    stack.use({
      [Symbol.asyncDispose]: async () => {
        order.push('third')
        throw new Error('third failed')
      },
    })
    await expect(stack[Symbol.asyncDispose]()).rejects.toThrow('third failed')
    await expect(stack[Symbol.asyncDispose]()).rejects.toThrow('third failed')
    expect(order).toEqual(['third', 'second', 'first'])
  })

  it('runs a callback at once if it is added after the stack was disposed', async () => {
    const stack = new ReleaseStack()
    await stack[Symbol.asyncDispose]()
    const released = new Promise<void>(resolve => {
      stack.defer(() => resolve())
    })
    await released
  })
})

describe('a signal that many calls share', () => {
  it('causes no warning from Node', async () => {
    const warnings: Error[] = []
    const record = (warning: Error): void => void warnings.push(warning)
    process.on('warning', record)
    try {
      const parent = new AbortController()
      const links = Array.from({length: 30}, () => [linkSignal(parent.signal), whenAborted(parent.signal)]).flat()
      // Node emits warnings in the next tick.
      await new Promise(resolve => setImmediate(resolve))
      for (const link of links) link[Symbol.dispose]()
    } finally {
      process.off('warning', record)
    }
    expect(warnings).toEqual([])
  })
})
