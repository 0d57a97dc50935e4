import type {Clock, Timer} from '../types.js'
import {listenForAbort} from './listen-for-abort.js'

/**
 * Returns a signal that aborts `lateMs` after its parent. Used for requests whose effect must be known even after a
 * cancel: if the answer that grants a lock or a session is lost, no client knows that the lock or session exists and
 * must be released. Dispose the signal when the request is over.
 */
export function lateSignal(
  parent: AbortSignal | undefined,
  options: {readonly lateMs: number; readonly clock: Clock},
): {readonly signal: AbortSignal} & Disposable {
  const controller = new AbortController()
  let timer: Timer | undefined
  const onAbort = (): void => {
    timer = options.clock.timer(options.lateMs, () => controller.abort(parent?.reason))
  }
  if (parent?.aborted) onAbort()
  else if (parent) listenForAbort(parent, onAbort)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      parent?.removeEventListener('abort', onAbort)
      timer?.[Symbol.dispose]()
    },
  }
}
