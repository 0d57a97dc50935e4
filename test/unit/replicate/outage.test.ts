import {describe, expect, it} from 'vitest'
import {Outage} from '../../../src/replicate/outage.js'
import type {ReplicatorEvent} from '../../../src/replicate/types.js'
import {FakeClock} from '../../kit/fake-clock.js'

function setUp() {
  const clock = new FakeClock()
  const events: ReplicatorEvent[] = []
  const outage = new Outage({part: 'source', clock, observer: event => events.push(event)})
  const times = () => events.map(event => [event.type, 'elapsedMs' in event ? event.elapsedMs : 0])
  return {clock, events, outage, times}
}

describe('an outage', () => {
  it('is reported after 1.5 s, then at intervals that double, and once when it is over', async () => {
    const {clock, outage, times} = setUp()
    outage.begin()
    await clock.advance(1400)
    expect(times()).toEqual([])
    await clock.advance(10_000)
    outage.end()
    outage.end()
    expect(times()).toEqual([
      ['source.retrying', 1500],
      ['source.retrying', 4500],
      ['source.retrying', 10_500],
      ['source.recovered', 11_400],
    ])
  })

  it('is not reported when it is short', async () => {
    const {clock, outage, times} = setUp()
    outage.fail(new Error('reset'))
    await clock.advance(1000)
    outage.end()
    await clock.advance(60_000)
    expect(times()).toEqual([])
  })

  it('names the last failure, and counts from the first', async () => {
    const {clock, outage, events} = setUp()
    outage.begin()
    await clock.advance(1000)
    outage.fail(new Error('reset'))
    await clock.advance(500)
    expect(events).toMatchObject([{type: 'source.retrying', elapsedMs: 1500, error: {message: 'reset'}}])
  })
})
