import {describe, expect, it} from 'vitest'
import {Outage} from '../../../src/core/outage.js'
import {FakeClock} from '../../kit/fake-clock.js'

function setUp() {
  const clock = new FakeClock()
  const reports: (readonly [type: string, elapsedMs: number, error?: unknown])[] = []
  const outage = new Outage({
    clock,
    onOverdue: (elapsedMs, error) => reports.push(['overdue', elapsedMs, error]),
    onRecovered: elapsedMs => reports.push(['recovered', elapsedMs]),
  })
  return {clock, outage, reports}
}

describe('the report of an outage', () => {
  it('comes after 1.5 s, then at intervals that double, and once more when the outage is over', async () => {
    const {clock, outage, reports} = setUp()
    outage.begin()
    await clock.advance(1400)
    expect(reports).toEqual([])
    await clock.advance(10_000)
    outage.end()
    outage.end()
    expect(reports).toEqual([
      ['overdue', 1500, undefined],
      ['overdue', 4500, undefined],
      ['overdue', 10_500, undefined],
      ['recovered', 11_400],
    ])
  })

  it('is omitted if the outage is short', async () => {
    const {clock, outage, reports} = setUp()
    outage.fail(new Error('reset'))
    await clock.advance(1000)
    outage.end()
    await clock.advance(60_000)
    expect(reports).toEqual([])
  })

  it('contains the last error, and the time since the first request', async () => {
    const {clock, outage, reports} = setUp()
    outage.begin()
    await clock.advance(1000)
    outage.fail(new Error('reset'))
    await clock.advance(500)
    expect(reports).toMatchObject([['overdue', 1500, {message: 'reset'}]])
  })

  it('comes if a request has failed, even if the next request succeeds', async () => {
    const {clock, outage, reports} = setUp()
    await outage.watch(() => Promise.reject(new Error('reset'))).catch(() => {})
    await outage.watch(() => Promise.resolve())
    await clock.advance(1500)
    expect(reports).toMatchObject([['overdue', 1500, {message: 'reset'}]])
  })
})
