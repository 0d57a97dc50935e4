import {messageOf} from '../../core/errors.js'
import type {CompleteOptions} from '../complete-options.js'
import type {Mapping} from '../types.js'
import {decodeStatus, encodeStatus, type StatusRecord, sameStatus, statusKey} from './status.js'

/** Writes a mapping's status key only if its content has changed. */
export class StatusKeeper {
  readonly #options: CompleteOptions
  readonly #mapping: Mapping
  readonly #key: string
  #known: StatusRecord | undefined
  #isRead = false

  constructor(options: CompleteOptions, mapping: Mapping) {
    this.#options = options
    this.#mapping = mapping
    this.#key = statusKey(options.statusDir, mapping)
  }

  /** A status that cannot be read or written is reported and retried: no decision depends on it. */
  async keep(
    record: StatusRecord,
    options: {readonly signal: AbortSignal; readonly keepPosition: boolean},
  ): Promise<Error | undefined> {
    const {destination, clock, logger} = this.#options
    const {signal} = options
    try {
      if (!this.#isRead) {
        const {value} = await destination.kv.get(this.#key, {signal, consistency: 'consistent'})
        this.#known = value && decodeStatus(value.value)
        this.#isRead = true
      }
      const known = this.#known
      const next = options.keepPosition ? {...record, lastReplicated: known?.lastReplicated ?? 0n} : record
      if (sameStatus(known, next)) return undefined
      await destination.kv.put(this.#key, encodeStatus(this.#mapping, next, clock.wallMs()), {signal})
      this.#known = next
      return undefined
    } catch (error) {
      logger.warn({component: 'replicate', key: this.#key, err: error}, 'status not written')
      this.#isRead = false
      return error instanceof Error ? error : new Error(messageOf(error))
    }
  }
}
