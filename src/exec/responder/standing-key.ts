import type {ConsulClient} from '../../core/client.js'
import {isBatonError, messageOf} from '../../core/errors.js'
import {standingKey} from '../native/layout.js'

/** Pause between two attempts to write the key, in case something keeps deleting it. */
const retryMs = 60_000

/**
 * Keeps one key below `jobs/`, so that the prefix is never empty. Consul answers a query for an empty prefix at every
 * write to any key of the datacenter, so each responder would otherwise read several times a second on a busy cluster.
 */
export class StandingKey {
  readonly #client: ConsulClient
  #nextAtMs = Number.NEGATIVE_INFINITY
  #isDenied = false

  constructor(client: ConsulClient) {
    this.#client = client
  }

  /** Writes the key. Does nothing if the last attempt was less than a minute ago. Does not reject. */
  async write(signal: AbortSignal): Promise<void> {
    const {clock, kv, logger} = this.#client
    const nowMs = clock.monotonicMs()
    if (this.#isDenied || nowMs < this.#nextAtMs) return
    this.#nextAtMs = nowMs + retryMs
    try {
      await kv.cas(standingKey, Buffer.from('keeps an index of its own for jobs/\n'), {index: 0n, signal})
    } catch (error) {
      if (signal.aborted) return
      this.#isDenied = isBatonError(error, 'BATON_ACL_DENIED')
      const effect = 'every KV write of the datacenter makes this responder read'
      logger.warn({key: standingKey, error: messageOf(error), effect}, 'exec.standingKeyNotWritten')
    }
  }
}
