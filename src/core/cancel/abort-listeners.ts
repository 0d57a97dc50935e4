import {listenForAbort} from './listen-for-abort.js'

type Listener = () => void

/** The listeners of one signal, which share a listener of the signal itself. */
class SharedListener {
  readonly #signal: AbortSignal
  readonly #listeners = new Set<Listener>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    listenForAbort(signal, this.#call)
  }

  add(listener: Listener): void {
    this.#listeners.add(listener)
  }

  remove(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
    this.#signal.removeEventListener('abort', this.#call)
    sharedOf.delete(this.#signal)
  }

  readonly #call = (): void => {
    for (const listener of this.#listeners) {
      this.#listeners.delete(listener)
      listener()
    }
  }
}

const sharedOf = new WeakMap<AbortSignal, SharedListener>()

/**
 * Calls `listener` when the signal aborts, unless the returned function is called before. All listeners that are added
 * here share one listener of the signal itself: adding one to a signal and removing it again takes much longer, and the
 * time grows with the number of other listeners. The signal keeps no listener after the last one was removed.
 */
export function addAbortListener(signal: AbortSignal, listener: Listener): () => void {
  let shared = sharedOf.get(signal)
  if (!shared) sharedOf.set(signal, (shared = new SharedListener(signal)))
  shared.add(listener)
  return () => shared.remove(listener)
}
