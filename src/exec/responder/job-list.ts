import {isJobId} from '../native/layout.js'

/**
 * Maximum number of jobs that a responder examines, because a client with write permission below `jobs/` can create any
 * number.
 */
export const jobLimit = 1000

/**
 * The IDs of the jobs to examine, in the order in which to examine them, and the number of jobs that are not examined.
 */
export interface SelectedJobs {
  readonly ids: readonly string[]
  /** Number of jobs beyond the limit. */
  readonly ignoredCount: number
}

/**
 * Selects the jobs to examine. The newest come first, by the time in their IDs, so that invalid jobs delay a new job as
 * little as possible. Jobs with a time after `newestMs` come last, because the clock that produced it must be wrong.
 */
export function selectJobs(names: Iterable<string>, newestMs: number): SelectedJobs {
  const ids = [...names].filter(isJobId)
  const isFuture = (id: string): boolean => instantOf(id) > newestMs
  const order = [
    ...ids
      .filter(id => !isFuture(id))
      .toSorted()
      .reverse(),
    ...ids.filter(isFuture).toSorted(),
  ]
  return {ids: order.slice(0, jobLimit), ignoredCount: Math.max(0, order.length - jobLimit)}
}

/** Returns the time in a version 7 UUID, whose first 48 bits are milliseconds since 1970. */
const instantOf = (id: string): number => Number.parseInt(`${id.slice(0, 8)}${id.slice(9, 13)}`, 16)
