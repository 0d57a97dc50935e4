import {beforeEach, describe, expect, it} from 'vitest'
import {waitAloud} from '../../../src/cli/wait-aloud.js'
import {FakeClock, settle} from '../../kit/fake-clock.js'

let clock: FakeClock
let said: string[]
beforeEach(() => {
  clock = new FakeClock()
  said = []
})

describe('waitAloud', () => {
  const options = () => ({client: {address: '127.0.0.1:1', clock}, say: (text: string) => void said.push(text)})

  it('says nothing about an answer that comes at once', async () => {
    expect(await waitAloud(Promise.resolve(7), options())).toBe(7)
    await clock.advance(100_000)
    expect(said).toEqual([])
  })

  it('says at growing intervals that it waits and why, and once that it is over', async () => {
    const known: {reason?: string} = {}
    let answer = (_: number): void => {}
    const pending = new Promise<number>(resolve => {
      answer = resolve
    })
    const waiting = waitAloud(pending, {...options(), reason: () => known.reason})
    await clock.advance(2000)
    expect(said).toEqual(['waiting for Consul: 127.0.0.1:1 has not answered yet'])
    known.reason = 'connection refused'
    await clock.advance(1000)
    expect(said.at(-1)).toBe('waiting for Consul: connection refused')
    await clock.advance(597_000)
    expect(said.length).toBeLessThan(16)
    answer(7)
    await waiting
    expect(said.at(-1)).toBe('Consul at 127.0.0.1:1 answers')
    await settle()
    expect(clock.pendingCount).toBe(0)
  })

  it('hands a failure on and leaves no timer', async () => {
    await expect(waitAloud(Promise.reject(new Error('no')), options())).rejects.toThrow('no')
    expect(clock.pendingCount).toBe(0)
  })
})
