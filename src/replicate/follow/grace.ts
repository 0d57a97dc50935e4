import type {Clock, Timer} from '../../core/types.js'

/** A signal that aborts some time after another did, so that what is under way can finish. */
export function graceSignal(
  stop: AbortSignal,
  options: {readonly clock: Clock; readonly graceMs: number},
): {readonly signal: AbortSignal} & Disposable {
  const controller = new AbortController()
  let timer: Timer | undefined
  const begin = (): void => {
    timer = options.clock.timer(options.graceMs, () => controller.abort(stop.reason))
  }
  if (stop.aborted) begin()
  else stop.addEventListener('abort', begin, {once: true})
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      stop.removeEventListener('abort', begin)
      timer?.[Symbol.dispose]()
    },
  }
}
