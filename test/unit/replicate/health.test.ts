import {describe, expect, it} from 'vitest'
import {statusLines} from '../../../src/cli/replicate/status-text.js'
import {toMappingReport} from '../../../src/replicate/status/health.js'
import type {ReplicatorReport} from '../../../src/replicate/status/replicator-report.js'

const nowMs = Date.parse('2026-01-02T03:04:05Z')
const report = (more: Partial<ReplicatorReport> = {}): ReplicatorReport => ({
  id: 'a1',
  host: 'web-1',
  pid: 7,
  phase: 'running',
  datacenter: 'dc1',
  startedAtMs: nowMs - 600_000,
  heartbeatMs: nowMs - 5000,
  everyMs: 30_000,
  state: 'current',
  lagMs: 0,
  currentAtMs: nowMs - 9000,
  equalAtMs: nowMs - 9000,
  held: 0,
  refused: 0,
  hidden: 0,
  retrying: undefined,
  ...more,
})

function show(...replicators: readonly ReplicatorReport[]) {
  const record = {lastReplicated: 12n, datacenter: 'dc1', keys: 3}
  const document = {source: 'app/', destination: 'copy/', record, updatedAtMs: undefined, replicators}
  const made = toMappingReport(document, {nowMs, mostLagMs: 60_000})
  return {health: made.health, lines: statusLines(made, nowMs)}
}
const source = {part: 'source' as const, sinceMs: nowMs - 120_000, reason: 'connection refused'}
const silent = nowMs - 120_000

describe('the condition of a mapping', () => {
  it.each([
    ['healthy', {}, 'healthy   app/@dc1 -> copy/: up to date, 3 keys, equal 9s ago; web-1 (pid 7): heartbeat 5s ago'],
    [
      'warning',
      {held: 2, hidden: 1},
      /up to date, 3 keys, 2 deletes held, 1 key hidden from the token, last equal 9s ago;/,
    ],
    ['warning', {refused: 1, equalAtMs: undefined}, /3 keys, 1 key set aside, never equal;/],
    [
      'warning',
      {state: 'starting', currentAtMs: undefined, equalAtMs: undefined},
      /: the first copy is not complete, /,
    ],
    ['warning', {state: 'behind', lagMs: 61_000}, /: copying changes, lag 1m1s, /],
    [
      'warning',
      {state: 'retrying', retrying: source, lagMs: 50_000},
      /: waiting for the source for 2m0s|2m: connection/,
    ],
    [
      'critical',
      {state: 'retrying', retrying: source, lagMs: 129_000},
      /: stale since 2026-01-02T03:03:56Z \(9s\), waiting for the source for 2m(0s)?: connection refused, lag 2m9s, /,
    ],
    ['critical', {heartbeatMs: silent}, /: no replicator runs: stale since .*; web-1 \(pid 7\): silent for 2m(0s)?$/],
    [
      'critical',
      {phase: 'stopped', everyMs: 0, retrying: source},
      /^critical {2}app\/@dc1 -> copy\/: stopped: stale since \S+ \(9s\), 3 keys, /,
    ],
    ['critical', {phase: 'stopped', everyMs: 0}, /: stopped: stale since .*; web-1 \(pid 7\): stopped 5s ago$/],
    ['healthy', {phase: 'finished', heartbeatMs: silent}, /: copied, 3 keys, .*: finished 2m(0s)? ago$/],
  ] as const)('is %s for the report of a healthy replicator changed by %j', (health, more, line) => {
    const shown = show(report(more))
    expect(shown.health).toBe(health)
    expect(shown.lines).toEqual([typeof line === 'string' ? line : expect.stringMatching(line)])
  })

  it('follows the report of the most current running replicator, although the reports of all replicators are listed', () => {
    const failing = report({id: 'b2', host: 'web-2', retrying: source, lagMs: 120_000, currentAtMs: silent})
    const {health, lines} = show(failing, report(), report({id: 'c3', host: 'web-3', heartbeatMs: silent}))
    expect(health).toBe('healthy')
    expect(lines).toHaveLength(4)
    expect(lines.slice(1).join()).toMatch(/web-2.*heartbeat 5s ago.*web-1.*heartbeat.*web-3.*silent/)
  })

  it('stays critical if a single run finishes after the continuous replicator has died', () => {
    expect(show(report({heartbeatMs: silent}), report({id: 'b2', phase: 'finished', heartbeatMs: nowMs})).health).toBe(
      'critical',
    )
  })

  it('is unknown if consul-replicate wrote the status', () => {
    expect(show()).toEqual({
      health: 'unknown',
      lines: ['unknown   app/@dc1 -> copy/: position 12, written by consul-replicate'],
    })
  })
})
