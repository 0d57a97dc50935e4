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
 * Sends one read. Rejects if the answer does not begin before the deadline, and at once if the machine slept
 * in the meantime. Once the answer has begun, it may take any time, and the read fails only if no byte
 * arrives for `idleTimeoutMs`.
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
      // From the first byte on, the transport limits the time between bytes.
      onFirstByte: () => link.restart(undefined),
    }),
  )

/**
 * Runs a read that is aborted at the deadline, or when the machine slept in the meantime. The error's message
 * begins with `what`.
 */
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
  // Avoids `using`, because its compiled form for Node 20 is slow and every answer runs this code.
  try {
    return await read(link)
  } finally {
    jump[Symbol.dispose]()
    link[Symbol.dispose]()
  }
}
