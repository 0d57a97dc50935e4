import {messageOf} from '../../core/errors.js'
import {follow} from '../../core/query/follow.js'
import {kvKey} from '../../core/query/topics.js'
import {Backoff} from '../../core/time/backoff.js'
import type {CompleteOptions} from '../complete-options.js'
import type {MappingWorker} from '../pass/worker.js'
import {noticeKey, seenDir} from './hold-store.js'

/**
 * Follows the notices that undos have restored keys, until stopped. When a notice arrives, each mapping reads its undo
 * holds again before this replicator confirms the notice. Retries after failures. Never rejects.
 */
export async function watchHolds(
  workers: readonly MappingWorker[],
  options: CompleteOptions,
  signal: AbortSignal,
): Promise<void> {
  const {destination, statusDir, waitMs, clock, logger, identity} = options
  const backoff = new Backoff({random: destination.random})
  let followed = 0n
  const isStopped = (): boolean => signal.aborted
  while (!isStopped()) {
    try {
      for await (const {snapshot} of follow(kvKey(destination, noticeKey(statusDir)), destination, {signal, waitMs})) {
        const index = snapshot.value?.modifyIndex ?? 0n
        if (index === followed) continue
        for (const worker of workers) await worker.loadHolds(signal)
        await destination.kv.put(`${seenDir(statusDir)}${identity.id}`, Buffer.from(String(index)), {signal})
        followed = index
        backoff.reset()
      }
    } catch (error) {
      if (isStopped()) return
      logger.debug({component: 'replicate', problem: messageOf(error)}, 'undone keys not read')
      await clock.sleep(backoff.next(), signal).catch(() => {})
    }
  }
}
