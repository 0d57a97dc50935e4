import {type LinkedSignal, linkSignal} from '../cancel/link-signal.js'
import type {Clock, TransportRequest} from '../types.js'
import {stalledError, timeoutError} from './transport-errors.js'

/** What ends a request: its signal, no answer in time, or an answer that stops in the middle. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
  /** To be called whenever bytes of the answer arrive. */
  moved(): void
}

/** Both transports limit a request by this. */
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
