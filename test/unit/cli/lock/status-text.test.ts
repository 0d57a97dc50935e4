import {describe, expect, it} from 'vitest'
import {toListLines, toStatusLines} from '../../../../src/cli/lock/status-text.js'
import type {SessionId} from '../../../../src/core/types.js'
import type {LockStatus} from '../../../../src/lock/inspect.js'

const session = 's-1' as SessionId
const info = {
  id: session,
  name: "Consul lock for './x' at 'a'",
  node: 'n1',
  lockDelayMs: 15_000,
  behavior: 'delete',
  ttlMs: 15_000,
  nodeChecks: [],
  createIndex: 1n,
} as const
const record = {host: 'web-1', pid: 7, command: 'backup.sh', since: '2026-01-02T03:04:05.000Z'}
const free: LockStatus = {prefix: 'a', kind: 'none', limit: undefined, holders: [], waiters: []}
const held: LockStatus = {
  prefix: 'jobs/b',
  kind: 'mutex',
  limit: 1,
  holders: [{session, info, record}],
  waiters: [{session: 's-2' as SessionId, info: undefined, record: undefined}],
}

describe('the status text of a lock', () => {
  it('shows each holder and each waiting contender with its session', () => {
    expect(toStatusLines(held)).toEqual([
      'jobs/b: mutex, held',
      '  holder  backup.sh on web-1, pid 7, since 2026-01-02T03:04:05.000Z',
      "          session s-1, node n1, TTL 15s, \"Consul lock for './x' at 'a'\"",
      '          if it dies, free within 45s (2 x TTL 15s + lock-delay 15s)',
      '  waiter  session s-2, which Consul does not list',
    ])
  })

  it('shows what ends the session of a holder that dies', () => {
    const lines = (status: Partial<LockStatus>, facts: object) =>
      toStatusLines({...held, waiters: [], holders: [{session, record, info: {...info, ...facts}}], ...status}).at(-1)
    expect(lines({kind: 'semaphore'}, {})).toContain('free within 30s (2 x TTL 15s)')
    expect(lines({}, {nodeChecks: ['serfHealth']})).toContain('sooner if serfHealth fails')
    expect(lines({}, {lockDelayMs: 90_000})).toContain('free within 1m30s')
    expect(lines({}, {ttlMs: 0})).toContain('no TTL')
  })

  it('has one line for each lock in a list', () => {
    expect(toListLines([free, held])).toEqual([
      'a       free',
      'jobs/b  mutex, held by backup.sh on web-1, pid 7, 1 waiting',
    ])
  })

  it('says if a key is not a lock', () => {
    expect(toStatusLines({...free, kind: 'other'})).toEqual(['a: not a lock: the key was written by something else'])
  })

  it('escapes control characters in the command of a holder', () => {
    const evil = {...held, holders: [{session, info, record: {...record, command: '\u001b[2J'}}]}
    expect(toStatusLines(evil).join('')).not.toContain('\u001b')
  })
})
