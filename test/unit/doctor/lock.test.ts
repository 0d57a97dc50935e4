import {expect, it} from 'vitest'
import {examineLock, type LockHolder, type LockReport} from '../../../src/doctor/lock.js'

const info = {node: 'n1', ttlMs: 15_000, lockDelayMs: 15_000}
const holder: LockHolder = {session: 's1', info, record: undefined}
const held: LockReport = {
  prefix: 'jobs/x',
  key: 'jobs/x/.lock',
  kind: 'mutex',
  limit: 1,
  holders: [holder],
  waiters: [],
}

it('the lock check of doctor accepts a holder with a TTL, and names the waiting contenders', () => {
  const waiters = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7'].map(session => ({session, info, record: undefined}))
  const [finding] = examineLock({...held, waiters})
  expect(finding?.verdict).toBe('ok')
  expect(finding?.text).toContain('; 7 waiting: session w1 (node n1, TTL 15s, lock-delay 15s); session w2 ')
  expect(finding?.text).toMatch(/session w5 \([^)]*\); and 2 more$/)
})

it('the lock check of doctor warns if the session of a holder has no TTL', () => {
  const [finding] = examineLock({...held, holders: [{...holder, info: {...info, ttlMs: 0}}]})
  expect(finding).toMatchObject({verdict: 'warn', fix: expect.stringContaining('with a TTL')})
  expect(finding?.text).toContain('if the program that created session s1 dies, the lock stays held')
})
