import {type LinkedSignal, linkSignal} from '../cancel/link-signal.js'
import {TransportError} from '../errors.js'
import {answerTimeoutMs} from '../http/caller.js'
import {formatDuration} from '../time/duration.js'
import type {BlockingReadOptions, Snapshot} from '../types.js'
import {watchForJump} from './jump-watch.js'
import type {BlockingQuery, QueryContext} from './types.js'

interface ReadLimits {
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/**
 * One read that ends by its deadline whatever the query does, and early when the machine slept meanwhile. Once the answer
 * has begun, it ends when no byte comes for `idleTimeoutMs`, however long it takes as a whole.
 */
export const readOnce = <T>(
  query: BlockingQuery<T>,
  context: QueryContext,
  options: BlockingReadOptions & ReadLimits,
): Promise<Snapshot<T>> =>
  readWithin(query.id, context, options, link =>
    query.read({
      idleTimeoutMs: answerTimeoutMs,
      ...options,
      signal: link.signal,
      // From here on the transport watches.
      onFirstByte: () => link.restart(undefined),
    }),
  )

/** Aborts the link at the deadline, or when the machine slept meanwhile. `what` begins the error's message. */
export async function readWithin<T>(
  what: string,
  {clock}: QueryContext,
  {signal, timeoutMs}: ReadLimits,
  read: (link: LinkedSignal) => Promise<T>,
): Promise<T> {
  const late = (): TransportError =>
    new TransportError('BATON_TIMEOUT', `${what}: no answer within ${formatDuration(timeoutMs)}`)
  const link = linkSignal(signal, {clock, timeoutMs, onTimeout: late})
  const jump = watchForJump(clock, error => link.abort(error))
  // Not with `using`: compiled for Node 20 it is slow, and this is on the way of every wake-up.
  try {
    return await read(link)
  } finally {
    jump[Symbol.dispose]()
    link[Symbol.dispose]()
  }
}
