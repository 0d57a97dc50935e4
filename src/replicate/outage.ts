import {Outage, type OutageOptions} from '../core/outage.js'
import type {Clock} from '../core/types.js'
import type {MappingMonitor} from './status/monitor.js'
import type {Mapping, ReplicatorObserver, RetryingPart} from './types.js'

interface PartOptions {
  readonly part: RetryingPart
  /** The mapping that waits for an answer; undefined if all mappings wait. */
  readonly mapping?: Mapping
  /** The monitors of the mappings that wait for an answer. */
  readonly monitors: readonly MappingMonitor[]
  readonly clock: Clock
  readonly observer: ReplicatorObserver
}

/** Returns an Outage object, which reports `retrying` and `recovered` to the observer and to the monitors. */
export const outageOf = ({part, mapping, monitors, clock, observer}: PartOptions): Outage =>
  new MonitoredOutage(part, monitors, {
    clock,
    onOverdue: (elapsedMs, error) => {
      const currentAtMs = monitors.length === 1 ? monitors[0]?.status().currentAtMs : undefined
      observer({type: `${part}.retrying`, mapping, elapsedMs, error, currentAtMs})
    },
    onRecovered: elapsedMs => observer({type: `${part}.recovered`, mapping, elapsedMs}),
  })

class MonitoredOutage extends Outage {
  readonly #part: RetryingPart
  readonly #monitors: readonly MappingMonitor[]

  constructor(part: RetryingPart, monitors: readonly MappingMonitor[], options: OutageOptions) {
    super(options)
    this.#part = part
    this.#monitors = monitors
  }

  override fail(error: unknown): void {
    for (const monitor of this.#monitors) monitor.failed(this.#part, error)
    super.fail(error)
  }

  override end(): void {
    super.end()
    for (const monitor of this.#monitors) monitor.answered(this.#part)
  }
}
