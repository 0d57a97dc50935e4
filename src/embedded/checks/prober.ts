import type {Clock, Random, Timer} from '../../core/types.js'
import {type Probe, type ProbeResult, runProbe, type ScriptRunner} from './probe.js'

export interface ProberOptions {
  readonly clock: Clock
  readonly random: Random
  readonly runScript: ScriptRunner | undefined
  readonly report: (checkId: string, result: ProbeResult) => void
}

interface Round {
  readonly probe: Probe
  readonly stop: AbortController
  timer: Timer | undefined
}

/**
 * Runs the periodic checks of one agent. The first run of a check is at a random time within its interval; after that,
 * there is one run per interval.
 */
export class Prober implements Disposable {
  readonly #options: ProberOptions
  readonly #rounds = new Map<string, Round>()

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** Starts a periodic check. A check that already runs with the same probe continues undisturbed. */
  start(checkId: string, probe: Probe): void {
    if (this.#rounds.get(checkId)?.probe === probe) return
    this.stop(checkId)
    const round: Round = {probe, stop: new AbortController(), timer: undefined}
    this.#rounds.set(checkId, round)
    this.#arm(checkId, round, probe.intervalMs * this.#options.random())
  }

  stop(checkId: string): void {
    const round = this.#rounds.get(checkId)
    this.#rounds.delete(checkId)
    round?.timer?.[Symbol.dispose]()
    round?.stop.abort()
  }

  [Symbol.dispose](): void {
    for (const checkId of [...this.#rounds.keys()]) this.stop(checkId)
  }

  #arm(checkId: string, round: Round, ms: number): void {
    round.timer = this.#options.clock.timer(ms, () => void this.#look(checkId, round), {ref: false})
  }

  async #look(checkId: string, round: Round): Promise<void> {
    const {clock, runScript, report} = this.#options
    const {probe, stop} = round
    const result = await runProbe(probe, {clock, runScript, signal: stop.signal})
    if (stop.signal.aborted) return
    report(checkId, result)
    this.#arm(checkId, round, probe.intervalMs)
  }
}
