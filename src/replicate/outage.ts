import {Outage} from '../core/outage.js'
import type {Clock} from '../core/types.js'
import type {Mapping, ReplicatorObserver, RetryingPart} from './types.js'

interface PartOptions {
  readonly part: RetryingPart
  /** The mapping that waits; undefined if all of them do. */
  readonly mapping?: Mapping
  readonly clock: Clock
  readonly observer: ReplicatorObserver
}

/** Returns an outage that is reported to the observer as `retrying` and `recovered`. */
export const outageOf = ({part, mapping, clock, observer}: PartOptions): Outage =>
  new Outage({
    clock,
    onOverdue: (elapsedMs, error) => observer({type: `${part}.retrying`, mapping, elapsedMs, error}),
    onRecovered: elapsedMs => observer({type: `${part}.recovered`, mapping, elapsedMs}),
  })
