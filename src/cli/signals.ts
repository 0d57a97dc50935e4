import {CancelledError} from '../core/errors.js'

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const
export type StopSignal = (typeof stopSignals)[number]

/** Reports signals to the process. */
export interface SignalSource {
  on(name: NodeJS.Signals, listener: () => void): unknown
  off(name: NodeJS.Signals, listener: () => void): unknown
}

/**
 * Combines the process's stop signals into one AbortSignal. Disposing removes its signal handlers.
 */
export interface StopSignals extends Disposable {
  /** Aborts with a CancelledError that names the first signal. */
  readonly signal: AbortSignal
  /** Aborts `signal` with this reason, without any signal from the operating system. */
  abort(reason: unknown): void
  /** Calls the listener for every stop signal, including the first. */
  onEach(listener: (name: StopSignal, count: number) => void): void
  /** Stops catching this signal, because the command handles it itself. */
  release(name: StopSignal): void
}

export function catchStopSignals(source: SignalSource): StopSignals {
  const controller = new AbortController()
  const listeners: ((name: StopSignal, count: number) => void)[] = []
  let count = 0
  const handlers = new Map(
    stopSignals.map(name => [
      name,
      () => {
        count += 1
        controller.abort(new CancelledError(`stopped by ${name}`, {signalName: name}))
        for (const listener of listeners) listener(name, count)
      },
    ]),
  )
  for (const [name, handler] of handlers) source.on(name, handler)
  const release = (name: StopSignal): void => {
    const handler = handlers.get(name)
    if (handler) source.off(name, handler)
  }
  return {
    signal: controller.signal,
    abort: reason => controller.abort(reason),
    onEach: listener => listeners.push(listener),
    release,
    [Symbol.dispose]: () => stopSignals.forEach(release),
  }
}
