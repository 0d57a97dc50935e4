import {linkSignal} from '../cancel/link-signal.js'
import {TransportError} from '../errors.js'
import {formatDuration} from '../time/duration.js'
import type {BlockingReadOptions, Snapshot} from '../types.js'
import {watchForJump} from './jump-watch.js'
import type {BlockingQuery, QueryContext} from './types.js'

/** One read that ends by its deadline whatever the query does, and early when the machine slept meanwhile. */
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
    return await query.read({...options, signal: link.signal})
  } finally {
    jump[Symbol.dispose]()
    link[Symbol.dispose]()
  }
}
