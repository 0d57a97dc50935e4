import {type LinkedSignal, linkSignal} from '../cancel/link-signal.js'
import type {Clock, TransportRequest} from '../types.js'
import {stalledError, timeoutError} from './transport-errors.js'

/** Ends a request when its signal aborts, when no answer comes in time, or when an answer stops before its end. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
  /** Must be called whenever bytes of the answer arrive. Restarts the time limit between bytes. */
  moved(): void
}

/** Starts the deadline of a request, for both transports. */
export function startDeadline(
  request: TransportRequest,
  {clock, peer}: {readonly clock: Clock; readonly peer: string},
): Deadline {
  const {timeoutMs, idleTimeoutMs, onFirstByte} = request
  const link: LinkedSignal = linkSignal(request.signal, {
    clock,
    timeoutMs,
    onTimeout: () => timeoutError(peer, timeoutMs),
  })
  let hasBegun = false
  return {
    signal: link.signal,
    moved() {
      if (!hasBegun) onFirstByte?.()
      hasBegun = true
      if (idleTimeoutMs !== undefined) link.restart(idleTimeoutMs, () => stalledError(peer, idleTimeoutMs))
    },
    [Symbol.dispose]: () => link[Symbol.dispose](),
  }
}
