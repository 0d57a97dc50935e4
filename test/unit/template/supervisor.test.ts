import {describe, expect, it} from 'vitest'
import {Supervisor} from '../../../src/template/supervisor.js'
import {FakeClock} from '../../kit/fake-clock.js'

describe('the supervisor of a child', () => {
  it('delays a reload signal by a random part of the splay, and ends this delay when the supervisor is stopped', async () => {
    const clock = new FakeClock()
    const supervisor = new Supervisor(
      {argv: ['true'], env: {}, graceMs: 0, splayMs: 10_000, reloadSignal: 'SIGHUP'},
      {stdin: 'ignore', clock, random: () => 0.5, onEvent: () => {}},
    )
    let isOver = false
    const change = supervisor.change().then(() => {
      isOver = true
    })
    await clock.advance(4999)
    expect(isOver).toBe(false)
    await clock.advance(1)
    await change
    const late = supervisor.change()
    await supervisor[Symbol.asyncDispose]()
    await late
  })
})
