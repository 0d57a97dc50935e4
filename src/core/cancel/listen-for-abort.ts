import {setMaxListeners} from 'node:events'

/**
 * Calls `listener` when the signal aborts. Many calls may share one signal of the caller, and each removes its listener:
 * Node must not warn of a leak.
 */
export function listenForAbort(signal: AbortSignal, listener: () => void): void {
  setMaxListeners(0, signal)
  signal.addEventListener('abort', listener, {once: true})
}
