import type {MappingWorker, Sides, Stops} from '../pass/worker.js'
import type {ReplicationPass} from '../types.js'

/** Others may write to the destination without a pause. */
const mostRounds = 3

/**
 * Compares with a newer list of the destination until nothing was written since: what others wrote there between a list
 * and the writes of its pass is in neither. Returns both sides, and the passes as one if there were any.
 */
export async function settle(
  worker: MappingWorker,
  sides: Sides,
  stops: Stops,
): Promise<{readonly sides: Sides; readonly pass?: ReplicationPass}> {
  let sum: ReplicationPass | undefined
  let now = sides
  for (let round = 0; round < mostRounds && hasLaterWrites(now) && !sum?.error; round += 1) {
    now = {source: now.source, ...(await worker.readReplica(stops.stop))}
    const pass = await worker.pass(now, stops)
    sum = sum ? plus(sum, pass) : pass
  }
  return sum ? {sides: now, pass: sum} : {sides: now}
}

function hasLaterWrites({replica, replicaIndex}: Sides): boolean {
  for (const {modifyIndex} of replica.values()) if (modifyIndex > replicaIndex) return true
  return false
}

/** Two passes, one after the other, as one. */
export const plus = (first: ReplicationPass, second: ReplicationPass): ReplicationPass => ({
  ...second,
  written: first.written + second.written,
  deleted: first.deleted + second.deleted,
  durationMs: first.durationMs + second.durationMs,
})
