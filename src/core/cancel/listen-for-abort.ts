import {setMaxListeners} from 'node:events'

/**
 * Calls `listener` when the signal aborts. Raises no warning of a listener leak: many calls may share one
 * signal, and each removes its own listener.
 */
export function listenForAbort(signal: AbortSignal, listener: () => void): void {
  setMaxListeners(0, signal)
  signal.addEventListener('abort', listener, {once: true})
}
