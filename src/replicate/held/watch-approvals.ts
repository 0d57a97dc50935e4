import {messageOf} from '../../core/errors.js'
import {follow} from '../../core/query/follow.js'
import {kvKeys} from '../../core/query/topics.js'
import {Backoff} from '../../core/time/backoff.js'
import {formatMapping} from '../mapping.js'
import {type CarryOutContext, carryOutApprovals} from './carry-out.js'

/** Number of consecutive failures after which a failure is logged. */
const loudFailure = 5

/**
 * Carries out approvals as they are given, until stopped. Sends no request while no deletes are held back. Retries
 * after failures, and logs them if they persist. Never rejects.
 */
export async function watchApprovals(context: CarryOutContext): Promise<void> {
  const {options, book, mapping, stop} = context
  const {clock, logger, destination} = options
  const backoff = new Backoff({random: destination.random})
  let isLoaded = false
  let failures = 0
  const isStopped = (): boolean => stop.aborted
  while (!isStopped()) {
    try {
      if (!isLoaded) await book.load(stop)
      isLoaded = true
      if (book.hasSets) await watchOnce(context)
      else await book.news.wait(stop)
      backoff.reset()
      failures = 0
    } catch (error) {
      if (isStopped()) return
      const fields = {component: 'replicate', mapping: formatMapping(mapping), problem: messageOf(error)}
      // An outage of the source or the destination is reported elsewhere, so only other failures count here.
      failures += 1
      if (failures === loudFailure) logger.warn(fields, 'approvals cannot be carried out now')
      await clock.sleep(backoff.next(), stop).catch(() => {})
    }
  }
}

/** Carries out approvals until no deletes are held back any more. */
async function watchOnce(context: CarryOutContext): Promise<void> {
  const {options, book, stop: signal} = context
  const {destination, waitMs} = options
  for await (const {snapshot} of follow(kvKeys(destination, book.paths.approved), destination, {signal, waitMs})) {
    if (snapshot.value.length > 0) await carryOutApprovals(context)
    if (!book.hasSets) return
  }
}
