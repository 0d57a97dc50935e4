import type {MappingWorker, Sides, Stops} from '../pass/worker.js'
import type {ReplicationPass} from '../types.js'

/** Maximum number of comparisons, because other clients may write to the destination continuously. */
const mostRounds = 3

/**
 * Repeats the comparison with a newer list of the destination until nothing was written after that list. Otherwise,
 * writes of other clients between a list and the writes of its pass would be missed. Returns source and destination as
 * last read, and the sum of the passes if there were any.
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

/** Returns the sum of two consecutive passes. */
export const plus = (first: ReplicationPass, second: ReplicationPass): ReplicationPass => ({
  ...second,
  written: first.written + second.written,
  deleted: first.deleted + second.deleted,
  durationMs: first.durationMs + second.durationMs,
})
