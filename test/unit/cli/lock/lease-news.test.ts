import {describe, expect, it} from 'vitest'
import {LeaseNews} from '../../../../src/cli/lock/lease-news.js'

const wallMs = Date.parse('2026-01-02T03:04:05Z')

function setUp() {
  let bootMs = 100_000
  const news = new LeaseNews({prefix: 'jobs/x', now: () => bootMs, wallMs: () => wallMs + bootMs - 100_000})
  const deadline = (termAtMs: number) => ({termAtMs, killAtMs: termAtMs + 1, freeAtMs: termAtMs + 2})
  return {
    pass: (ms: number) => {
      bootMs += ms
    },
    degraded: (termAtMs: number) =>
      news.line({type: 'lease.degraded', error: new Error('no leader'), deadline: deadline(termAtMs)}),
    renewed: () => news.line({type: 'lease.renewed', deadline: deadline(0)}),
  }
}

const timeAt = (ms: number): string => new Date(wallMs + ms).toTimeString().slice(0, 8)

describe('LeaseNews, the messages about failed renewals', () => {
  it('reports once at what time the command will be stopped, and once that the command will keep running', () => {
    const {degraded, renewed, pass} = setUp()
    expect(renewed()).toBeUndefined()
    expect(degraded(109_000)).toBe(
      `jobs/x: not renewed: no leader: the command will be stopped at ${timeAt(9000)} unless a renewal succeeds`,
    )
    pass(600)
    expect(degraded(109_000)).toBeUndefined()
    expect(renewed()).toBe('jobs/x: renewed again: the command keeps running')
    expect(renewed()).toBeUndefined()
  })

  it('reports the time of the stop again if it becomes earlier', () => {
    const {degraded} = setUp()
    degraded(124_000)
    expect(degraded(109_000)).toContain(timeAt(9000))
  })

  it('does not report each failure if failed and successful renewals alternate', () => {
    const {degraded, renewed, pass} = setUp()
    degraded(109_000)
    renewed()
    pass(3000)
    expect([degraded(112_000), renewed()]).toEqual([undefined, undefined])
    pass(60_000)
    expect(degraded(172_000)).toContain('will be stopped')
  })
})
