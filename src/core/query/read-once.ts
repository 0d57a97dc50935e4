import {linkSignal} from '../cancel/link-signal.js'
import {TransportError} from '../errors.js'
import {answerTimeoutMs} from '../http/caller.js'
import {formatDuration} from '../time/duration.js'
import type {BlockingReadOptions, Snapshot} from '../types.js'
import {watchForJump} from './jump-watch.js'
import type {BlockingQuery, QueryContext} from './types.js'

/**
 * One read that ends by its deadline whatever the query does, and early when the machine slept meanwhile. Once the answer
 * has begun, it ends when no byte comes for `idleTimeoutMs`, however long it takes as a whole.
 */
export async function readOnce<T>(
  query: BlockingQuery<T>,
  context: QueryContext,
  options: BlockingReadOptions & {readonly signal: AbortSignal; readonly timeoutMs: number},
): Promise<Snapshot<T>> {
  const {clock} = context
  const late = (): TransportError =>
    new TransportError('BATON_TIMEOUT', `${query.id}: no answer within ${formatDuration(options.timeoutMs)}`)
  const link = linkSignal(options.signal, {clock, timeoutMs: options.timeoutMs, onTimeout: late})
  const jump = watchForJump(clock, error => link.abort(error))
  // Not with `using`: compiled for Node 20 it is slow, and this is on the way of every wake-up.
  try {
    return await query.read({
      idleTimeoutMs: answerTimeoutMs,
      ...options,
      signal: link.signal,
      // From here on the transport watches.
      onFirstByte: () => link.restart(undefined),
    })
  } finally {
    jump[Symbol.dispose]()
    link[Symbol.dispose]()
  }
}
