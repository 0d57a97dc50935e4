import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  checkLease,
  type LeaseShape,
  leaseDeadline,
  leaseMarginMs,
  leaseWindowMs,
  proveEveryMs,
  usableMs,
} from '../../../src/lock/lease.js'

const shape = (changes: Partial<LeaseShape> = {}): LeaseShape => ({
  hasLockDelay: true,
  ttlMs: 15_000,
  lockDelayMs: 15_000,
  graceMs: 5000,
  isTtlOnly: false,
  ...changes,
})
const now = {renewedAtMs: 0, seenAtMs: 0}

describe('leaseDeadline', () => {
  it('for a mutex with checks, stays within the lock-delay: TERM 9 s and KILL 14 s after the last read of the key', () => {
    expect(leaseDeadline(shape(), now)).toEqual({termAtMs: 9000, killAtMs: 14_000, freeAtMs: 15_000})
  })

  it('for a mutex without checks, stays within TTL plus lock-delay: TERM 24 s and KILL 29 s after the last renewal', () => {
    expect(leaseDeadline(shape({isTtlOnly: true}), now)).toEqual({
      termAtMs: 24_000,
      killAtMs: 29_000,
      freeAtMs: 30_000,
    })
  })

  it('for a semaphore, stays within the TTL alone, because no lock-delay delays the next holder', () => {
    expect(leaseDeadline(shape({hasLockDelay: false}), now).freeAtMs).toBe(15_000)
  })

  it('is not extended by a renewal if checks can end the session', () => {
    expect(leaseDeadline(shape(), {renewedAtMs: 100_000, seenAtMs: 0}).freeAtMs).toBe(15_000)
  })

  it('is at least the lock-delay after a read of the key, with or without checks', () => {
    const proofs = {renewedAtMs: 0, seenAtMs: 20_000}
    expect(leaseDeadline(shape({isTtlOnly: true}), proofs).freeAtMs).toBe(35_000)
  })

  it('while it is unknown whether the session has ended, adds only the lock-delay to the last renewal or read', () => {
    const proofs = {renewedAtMs: 20_000, seenAtMs: 0, isDoubted: true}
    expect(leaseDeadline(shape({isTtlOnly: true}), proofs)).toEqual({
      termAtMs: 29_000,
      killAtMs: 34_000,
      freeAtMs: 35_000,
    })
    expect(leaseDeadline(shape(), proofs).freeAtMs).toBe(15_000)
  })

  it('is not extended by a read of the key if the lock is a semaphore', () => {
    expect(leaseDeadline(shape({hasLockDelay: false}), {renewedAtMs: 0, seenAtMs: 9000}).freeAtMs).toBe(15_000)
  })

  it('counts a lock-delay as at most 60 s, which is the most that Consul enforces, and as at least 0', () => {
    expect(leaseWindowMs(shape({lockDelayMs: 600_000}))).toBe(60_000)
    expect(leaseWindowMs(shape({lockDelayMs: -5000, isTtlOnly: true}))).toBe(15_000)
  })

  it('puts TERM, KILL and margin in the right order for all settings', () => {
    const ms = fc.integer({min: 0, max: 200_000})
    const shapes = fc.record({
      hasLockDelay: fc.boolean(),
      ttlMs: ms,
      lockDelayMs: ms,
      graceMs: ms,
      isTtlOnly: fc.boolean(),
    })
    fc.assert(
      fc.property(shapes, ms, ms, (one, renewedAtMs, seenAtMs) => {
        const {termAtMs, killAtMs, freeAtMs} = leaseDeadline(one, {renewedAtMs, seenAtMs})
        expect(freeAtMs - killAtMs).toBeGreaterThanOrEqual(999.999)
        expect(killAtMs - termAtMs).toBeCloseTo(one.graceMs)
        expect(leaseMarginMs(one)).toBeGreaterThanOrEqual(leaseWindowMs(one) * 0.02)
      }),
    )
  })
})

describe('checkLease', () => {
  const check = (changes: Partial<LeaseShape>, hasChecks = false) =>
    checkLease(shape(changes), {prefix: 'app/db', hasChecks})

  it('accepts the default settings', () => {
    expect(() => check({})).not.toThrow()
    expect(() => check({hasLockDelay: false})).not.toThrow()
  })

  it('refuses a grace period that is too long, and shows the calculation', () => {
    expect(() => check({graceMs: 20_000})).toThrow(
      'lock app/db: no time to stop the child: a rival may hold 15s after the last proof (lock-delay 15s), ' +
        'grace 20s and margin 1s need 21s',
    )
  })

  it.each([
    ['no lock-delay with checks', {lockDelayMs: 0}, true],
    ['grace and margin as long as the window', {graceMs: 14_000}, false],
    ['a grace longer than TTL and lock-delay', {isTtlOnly: true, graceMs: 29_000}, false],
    ['a semaphore whose grace is its TTL', {hasLockDelay: false, graceMs: 15_000}, false],
    ['a semaphore with checks', {hasLockDelay: false}, true],
  ] as [string, Partial<LeaseShape>, boolean][])('refuses unsafe settings (case: %s)', (_name, changes, hasChecks) => {
    expect(() => check(changes, hasChecks)).toThrow(/no time to stop|no safe time to stop/)
  })

  it.each([
    {lockDelayMs: 0, graceMs: 5000},
    {lockDelayMs: 0, graceMs: 0},
    {lockDelayMs: 1000, graceMs: 5000},
    {lockDelayMs: 3000, graceMs: 5000},
    {lockDelayMs: 5999, graceMs: 5000},
    {lockDelayMs: 600_000, ttlMs: 86_400_000, graceMs: 59_500},
    // With such a long TTL, the margin is two percent of TTL plus lock-delay, which is more than a second.
    {lockDelayMs: 6000, ttlMs: 600_000, graceMs: 5000},
  ])('refuses a lock-delay that does not cover grace period and margin, even without checks: %o', changes => {
    expect(() => check({isTtlOnly: true, ...changes})).toThrow('(the lock-delay), and grace')
  })

  it('refuses a lock-delay that is too short, and shows the calculation', () => {
    expect(() => check({isTtlOnly: true, lockDelayMs: 1000})).toThrow(
      'lock app/db: no time to stop the child: when its session is destroyed, or its agent leaves, a rival may hold 1s ' +
        'later (the lock-delay), and grace 5s and margin 1s need 6s of it',
    )
  })

  it.each([
    {lockDelayMs: 6000, graceMs: 5000},
    {lockDelayMs: 1000, graceMs: 0},
  ])('without checks, accepts a lock-delay that only just covers grace period and margin: %o', changes => {
    expect(() => check({isTtlOnly: true, ...changes})).not.toThrow()
  })

  it('accepts any lock-delay for a semaphore, because semaphores do not use it', () => {
    expect(() => check({hasLockDelay: false, lockDelayMs: 0})).not.toThrow()
  })
})

it('proveEveryMs returns an interval so short that two failures in a row do not end the hold on a lock', () => {
  for (const one of [shape(), shape({isTtlOnly: true}), shape({hasLockDelay: false, graceMs: 12_000})]) {
    expect(proveEveryMs(one) * 3).toBeLessThanOrEqual(usableMs(one))
  }
})
