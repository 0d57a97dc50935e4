import type {Clock, Timer} from '../types.js'
import {addAbortListener} from './abort-listeners.js'
import {listenForAbort} from './listen-for-abort.js'

export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /**
   * Replaces the current timeout with one that starts now and aborts with the result of `onTimeout`. Removes
   * the timeout if `timeoutMs` is undefined.
   */
  restart(timeoutMs: number | undefined, onTimeout?: () => unknown): void
}

export interface LinkOptions {
  readonly timeoutMs?: number
  /** Source of time. Required with `timeoutMs`. */
  readonly clock?: Clock
  /** Returns the reason to abort with on a timeout. */
  readonly onTimeout?: () => unknown
}

/**
 * A signal that aborts with its parent, on a timeout, or through `abort`, whichever comes first; the first reason is
 * kept. Disposing the signal removes its listener from the parent, so that a short wait leaves nothing behind on a
 * long-lived parent (`AbortSignal.any` keeps every short signal alive as long as the parent lives, nodejs/node 54614).
 */
export function linkSignal(parent: AbortSignal | undefined, options: LinkOptions = {}): LinkedSignal {
  const controller = new AbortController()
  let timer: Timer | undefined
  let isReleased = false
  let forget: (() => void) | undefined
  const release = (): void => {
    isReleased = true
    forget?.()
    timer?.[Symbol.dispose]()
  }
  const restart = (timeoutMs: number | undefined, onTimeout = options.onTimeout): void => {
    timer?.[Symbol.dispose]()
    if (timeoutMs === undefined || isReleased || !options.clock) return
    timer = options.clock.timer(timeoutMs, () => controller.abort(onTimeout?.()))
  }
  if (parent?.aborted) controller.abort(parent.reason)
  else {
    if (parent) forget = addAbortListener(parent, () => controller.abort(parent.reason))
    restart(options.timeoutMs)
  }
  return {signal: controller.signal, abort: reason => controller.abort(reason), restart, [Symbol.dispose]: release}
}

/** Returns a promise that resolves when the signal aborts. Dispose the result to stop waiting. */
export function whenAborted(signal: AbortSignal): {readonly promise: Promise<void>} & Disposable {
  let onAbort = (): void => {}
  const promise = new Promise<void>(resolve => {
    onAbort = resolve
    if (signal.aborted) resolve()
    else listenForAbort(signal, onAbort)
  })
  return {promise, [Symbol.dispose]: () => signal.removeEventListener('abort', onAbort)}
}
