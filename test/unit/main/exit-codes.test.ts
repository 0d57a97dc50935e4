import {describe, expect, it} from 'vitest'
import {BatonError, CancelledError, ChildError, errorCodes, UsageError} from '../../../src/core/errors.js'
import {exitCodeOf, toMessage} from '../../../src/main/exit-codes.js'

describe('exitCodeOf', () => {
  it('returns an exit code for every error code', () => {
    for (const code of errorCodes) {
      if (code !== 'BATON_CHILD') expect(exitCodeOf(new BatonError(code, 'x'))).toBeGreaterThan(0)
    }
  })

  it.each([
    [new UsageError('x'), 64],
    [new BatonError('BATON_CONNECT', 'x'), 69],
    [new BatonError('BATON_ACL_DENIED', 'x'), 77],
    [new BatonError('BATON_LOCK_TIMEOUT', 'x'), 75],
    [new BatonError('BATON_LOCK_LOST', 'x'), 76],
    [new BatonError('BATON_LOCK_KIND', 'x'), 78],
    [new ChildError('x', {exitCode: 127}), 127],
    [new CancelledError('x', {signalName: 'SIGINT'}), 130],
    [new CancelledError('x', {signalName: 'SIGTERM'}), 143],
    [new TypeError('x'), 70],
    [Object.assign(new Error('ENOSPC: no space left on device, write'), {code: 'ENOSPC'}), 64],
  ])('maps %s to %d', (error, code) => {
    expect(exitCodeOf(error)).toBe(code)
  })
})

describe('toMessage', () => {
  it('does not call a fault of the machine a bug', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {code: 'ENOSPC'})
    expect(toMessage(full)).toBe('ENOSPC: no space left on device, write')
  })

  it('returns one line, with the hint in brackets', () => {
    expect(toMessage(new UsageError('a: b\n  c', {hint: 'do d'}))).toBe('a: b c (do d)')
  })
})
