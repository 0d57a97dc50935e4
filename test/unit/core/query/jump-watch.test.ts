import {describe, expect, it} from 'vitest'
import {watchForJump} from '../../../../src/core/query/jump-watch.js'
import {FakeClock} from '../../../kit/fake-clock.js'

describe('the watch for a jump of the clock', () => {
  it('needs one timer for many watchers, and none after the last one has ended', () => {
    const clock = new FakeClock()
    const watches = Array.from({length: 40}, () => watchForJump(clock, () => {}))
    expect(clock.pendingCount).toBe(1)
    for (const watch of watches) watch[Symbol.dispose]()
    expect(clock.pendingCount).toBe(0)
  })

  it('tells each watcher of a jump once, and not those that began after the jump', async () => {
    const clock = new FakeClock()
    const told: string[] = []
    const watch = (name: string): Disposable => watchForJump(clock, () => told.push(name))
    watch('before')
    using _ended = watch('before, too')
    watch('ended before')[Symbol.dispose]()
    clock.jump(60_000)
    using _later = watch('after')
    await clock.advance(20_000)
    expect(told).toEqual(['before', 'before, too'])
    expect(clock.pendingCount).toBe(1)
  })
})
