import {setMaxListeners} from 'node:events'
import {type LinkedSignal, linkSignal} from '../core/cancel/link-signal.js'
import {Wake} from '../core/time/wake.js'
import type {ConfiguredWatch} from './config.js'

/** How many watches a replacement left running, how many it started, and how many it stopped. */
export interface Replaced {
  readonly kept: number
  readonly started: number
  readonly stopped: number
}

/**
 * Runs one watch. Resolves with `ended` if the watch has ended by itself or because its signal aborted, and with
 * `refused` if it could not run. A refused watch is started again by the next `replace`.
 */
type RunOne = (watch: ConfiguredWatch, signal: AbortSignal) => Promise<'ended' | 'refused'>

interface Running {
  /**
   * Text that identifies the watched data. It is the same for watches that run different commands for the same data.
   */
  readonly subject: string
  readonly stop: LinkedSignal
  ended: Promise<void>
}

/**
 * Watches that run at the same time. Some of them can be replaced while the others continue. A watch that differs in
 * any setting counts as another watch. It starts only after the watch that it replaces has stopped, so that two
 * handlers of the same data never run at the same time. A watch that has ended by itself starts again only if it is
 * changed.
 */
export class WatchSet {
  readonly #run: RunOne
  readonly #stop: LinkedSignal
  readonly #wanted = new Map<string, Running>()
  /** Running watches, including those that are stopping. */
  readonly #running = new Set<Running>()
  readonly #ends = new Wake()
  #hasRefused = false
  #failure: {readonly error: unknown} | undefined

  constructor(run: RunOne, signal: AbortSignal) {
    this.#run = run
    this.#stop = linkSignal(signal)
    // Each watch adds a listener, so there may be more than Node's usual limit.
    setMaxListeners(0, this.#stop.signal)
  }

  /** Replaces the watches of the set. Watches that it already contains are not touched. */
  replace(watches: readonly ConfiguredWatch[]): Replaced {
    this.#hasRefused = false
    const wanted = byIdentity(watches)
    const gone = [...this.#wanted].filter(([identity]) => !wanted.has(identity))
    for (const [identity, {stop}] of gone) {
      stop.abort(undefined)
      this.#wanted.delete(identity)
    }
    const fresh = [...wanted].filter(([identity]) => !this.#wanted.has(identity))
    for (const [identity, watch] of fresh) this.#start(identity, watch)
    return {kept: wanted.size - fresh.length, started: fresh.length, stopped: gone.length}
  }

  /**
   * Resolves when every watch has ended and no refused watch is left for the next `replace` to start. If a watch fails,
   * stops all others and then rejects with the first error.
   */
  async ended(): Promise<void> {
    const {signal} = this.#stop
    while (this.#running.size > 0 || (this.#hasRefused && !signal.aborted)) {
      await this.#ends.wait(signal.aborted ? undefined : signal).catch(() => undefined)
    }
    this.#stop[Symbol.dispose]()
    if (this.#failure) throw this.#failure.error
  }

  #start(identity: string, watch: ConfiguredWatch): void {
    const stop = linkSignal(this.#stop.signal)
    const subject = JSON.stringify([watch.spec, watch.scope])
    const before = [...this.#running].filter(other => other.subject === subject && other.stop.signal.aborted)
    const running: Running = {subject, stop, ended: Promise.resolve()}
    this.#wanted.set(identity, running)
    this.#running.add(running)
    running.ended = this.#follow({identity, watch, running}, before)
  }

  async #follow(
    {identity, watch, running}: {readonly identity: string; readonly watch: ConfiguredWatch; readonly running: Running},
    before: readonly Running[],
  ): Promise<void> {
    const {signal} = running.stop
    try {
      await Promise.all(before.map(({ended}) => ended))
      if (signal.aborted || (await this.#run(watch, signal)) === 'ended') return
      if (this.#wanted.get(identity) !== running) return
      this.#wanted.delete(identity)
      this.#hasRefused = true
    } catch (error) {
      if (!signal.aborted) this.#failure ??= {error}
      this.#stop.abort(undefined)
    } finally {
      running.stop[Symbol.dispose]()
      this.#running.delete(running)
      this.#ends.wake()
    }
  }
}

/** Returns the watches by their identity. Equal watches are distinguished by a number. */
function byIdentity(watches: readonly ConfiguredWatch[]): ReadonlyMap<string, ConfiguredWatch> {
  const found = new Map<string, ConfiguredWatch>()
  for (const watch of watches) {
    const text = JSON.stringify(watch)
    let number = 0
    while (found.has(`${number} ${text}`)) number += 1
    found.set(`${number} ${text}`, watch)
  }
  return found
}
