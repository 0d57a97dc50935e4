import {listenForAbort} from './listen-for-abort.js'

type Listener = () => void

/** The listeners of each signal that has, or had, any. */
const listenersOf = new WeakMap<AbortSignal, Set<Listener>>()

/**
 * Calls `listener` when the signal aborts, unless the returned function is called before. All listeners that are added
 * here share one listener of the signal itself: adding one to a signal and removing it again takes much longer, and the
 * time grows with the number of other listeners.
 */
export function addAbortListener(signal: AbortSignal, listener: Listener): () => void {
  const listeners = listenersOf.get(signal) ?? listenTo(signal)
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function listenTo(signal: AbortSignal): Set<Listener> {
  const listeners = new Set<Listener>()
  listenersOf.set(signal, listeners)
  listenForAbort(signal, () => {
    for (const listener of listeners) {
      listeners.delete(listener)
      listener()
    }
  })
  return listeners
}
