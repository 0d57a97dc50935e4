import {getEventListeners} from 'node:events'
import {describe, expect, it} from 'vitest'
import {Wake} from '../../../../src/core/time/wake.js'
import {FakeClock} from '../../../kit/fake-clock.js'

/** Resolves to true if the promise settles before the next timer runs. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = (): void => {
    settled = true
  }
  promise.then(note, note)
  await new FakeClock().advance(1)
  return settled
}

describe('Wake, which resumes waiting callers', () => {
  it('wakes every waiting caller', async () => {
    const wake = new Wake()
    const waits = [wake.wait(), wake.wait()]
    wake.wake()
    await expect(Promise.all(waits)).resolves.toEqual([undefined, undefined])
  })

  it('lets only one later call of `wait` resolve at once, however often `wake` was called while no caller waited', async () => {
    const wake = new Wake()
    wake.wake()
    wake.wake()
    await wake.wait()
    const next = wake.wait()
    expect(await isSettled(next)).toBe(false)
    wake.wake()
    await next
  })

  it('does not let the next call of `wait` resolve at once if `wake` woke a caller or `clear` was called', async () => {
    const wake = new Wake()
    const first = wake.wait()
    wake.wake()
    await first
    wake.wake()
    wake.clear()
    expect(await isSettled(wake.wait())).toBe(false)
  })

  it("rejects an aborted wait with the signal's reason, and leaves no listener on the signal", async () => {
    const wake = new Wake()
    const controller = new AbortController()
    const cut = wake.wait(controller.signal)
    controller.abort('stop')
    await expect(cut).rejects.toBe('stop')
    await expect(wake.wait(controller.signal)).rejects.toBe('stop')
    const other = new AbortController()
    const woken = wake.wait(other.signal)
    wake.wake()
    await woken
    expect(getEventListeners(other.signal, 'abort')).toHaveLength(0)
  })

  it('lets the next call of `wait` resolve at once if `wake` was called after the only waiting caller had been aborted', async () => {
    const wake = new Wake()
    const controller = new AbortController()
    const cut = wake.wait(controller.signal)
    controller.abort('stop')
    wake.wake()
    await expect(cut).rejects.toBe('stop')
    expect(await isSettled(wake.wait())).toBe(true)
  })

  it('waits at most for the given time, and returns whether it was woken', async () => {
    const clock = new FakeClock()
    const wake = new Wake()
    const late = wake.waitAtMost(100, {clock})
    await clock.advance(100)
    await expect(late).resolves.toBe(false)
    const woken = wake.waitAtMost(100, {clock})
    wake.wake()
    await expect(woken).resolves.toBe(true)
    await expect(wake.waitAtMost(100, {clock, signal: AbortSignal.abort('stop')})).rejects.toBe('stop')
  })
})
