import {describe, expect, it} from 'vitest'
import {toGoAnswer} from '../../../../src/cli/lock/go-compat.js'
import {
  CancelledError,
  ChildError,
  ConflictError,
  LockLostError,
  LockNotAcquiredError,
  UsageError,
} from '../../../../src/core/errors.js'
import {toTransportError} from '../../../../src/core/http/transport-errors.js'
import {toWireError} from '../../../../src/core/http/wire-errors.js'

const kindError = (details: Readonly<Record<string, unknown>>) =>
  new ConflictError('BATON_LOCK_KIND', 'any text', {details})
const refused = (method: string, path: string) =>
  toWireError({method, path}, {status: 403, headers: new Map(), body: Buffer.from('Permission denied')}, 0)

describe('the exit code and message in the form of consul lock', () => {
  it.each<[unknown, string]>([
    [kindError({wanted: 'mutex', found: 'semaphore'}), 'Lock acquisition failed: Existing key does not match lock use'],
    [kindError({wanted: 'mutex', found: 'other'}), 'Lock acquisition failed: Existing key does not match lock use'],
    [
      kindError({wanted: 'semaphore', found: 'mutex'}),
      'Lock acquisition failed: Existing key does not match semaphore use',
    ],
    [
      kindError({wanted: 'semaphore', limit: 2, ours: 3}),
      'Lock acquisition failed: semaphore limit conflict (lock: 2, local: 3)',
    ],
    [
      refused('PUT', '/v1/session/create?dc=x'),
      'Lock acquisition failed: failed to create session: Unexpected response code: 403 (Permission denied)',
    ],
    [
      refused('GET', '/v1/kv/a'),
      'Lock acquisition failed: failed to read lock: Unexpected response code: 403 (Permission denied)',
    ],
    [
      refused('PUT', '/v1/txn'),
      'Lock acquisition failed: failed to acquire lock: Unexpected response code: 403 (Permission denied)',
    ],
    [
      toTransportError(Object.assign(new Error('x'), {code: 'ECONNREFUSED'}), '127.0.0.1:1'),
      'Lock acquisition failed: Get "http://127.0.0.1:1/v1/agent/self": dial tcp 127.0.0.1:1: connect: connection refused',
    ],
    [new LockNotAcquiredError('x'), 'Shutdown triggered or timeout during lock acquisition'],
    [new CancelledError(), 'Shutdown triggered or timeout during lock acquisition'],
    [new UsageError('wrong'), 'wrong'],
  ])('depend on the class and the details of the error, not on its message (case %#)', (error, line) => {
    expect(toGoAnswer(error, {isChildCodeWanted: false})).toEqual({exit: 1, line})
  })

  it('are 0 and no message after the lock was lost', () => {
    expect(toGoAnswer(new LockLostError('x'), {isChildCodeWanted: false})).toEqual({exit: 0, line: undefined})
  })

  it.each([
    [false, 0],
    [true, 2],
  ])('report that the command could not be started (with -child-exit-code: %s)', (isChildCodeWanted, exit) => {
    const error = new ChildError('x: command not found', {exitCode: 127})
    expect(toGoAnswer(error, {isChildCodeWanted})).toEqual({
      exit,
      line: 'Error starting handler: x: command not found',
    })
  })
})
