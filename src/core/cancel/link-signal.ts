import type {Clock, Timer} from '../types.js'

export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal
  abort(reason: unknown): void
}

export interface LinkOptions {
  readonly timeoutMs?: number
  /** Needed with `timeoutMs`. */
  readonly clock?: Clock
  /** Makes the reason of a timeout. */
  readonly onTimeout?: () => unknown
}

/**
 * A signal that aborts with its parent, on a timeout, or when told, whichever comes first; the first reason stays.
 * Disposing cuts the tie, so that a short wait leaves nothing behind on a long-lived parent
 * (`AbortSignal.any` keeps every short signal alive as long as the parent lives, nodejs/node 54614).
 */
export function linkSignal(parent: AbortSignal | undefined, options: LinkOptions = {}): LinkedSignal {
  const controller = new AbortController()
  let timer: Timer | undefined
  const onParent = (): void => controller.abort(parent?.reason)
  const release = (): void => {
    parent?.removeEventListener('abort', onParent)
    timer?.[Symbol.dispose]()
  }
  if (parent?.aborted) controller.abort(parent.reason)
  else {
    parent?.addEventListener('abort', onParent, {once: true})
    if (options.timeoutMs !== undefined && options.clock) {
      timer = options.clock.timer(options.timeoutMs, () => controller.abort(options.onTimeout?.()))
    }
  }
  return {signal: controller.signal, abort: reason => controller.abort(reason), [Symbol.dispose]: release}
}

/** Resolves when the signal aborts; dispose to stop waiting. */
export function whenAborted(signal: AbortSignal): {readonly promise: Promise<void>} & Disposable {
  let onAbort = (): void => {}
  const promise = new Promise<void>(resolve => {
    onAbort = resolve
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', onAbort, {once: true})
  })
  return {promise, [Symbol.dispose]: () => signal.removeEventListener('abort', onAbort)}
}
