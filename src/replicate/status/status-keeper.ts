import {isTransient, messageOf} from '../../core/errors.js'
import type {CompleteOptions} from '../complete-options.js'
import type {Mapping} from '../types.js'
import {type ReplicatorReport, withReport} from './replicator-report.js'
import {
  decodeStatus,
  encodeStatus,
  type StatusDocument,
  type StatusRecord,
  sameStatus,
  statusKey,
} from './status-document.js'

type Change = (document: StatusDocument | undefined) => Partial<StatusDocument> | undefined

const mostAttempts = 20

/**
 * Writes a mapping's status key: the position (the index up to which the mapping was copied), if it has changed, and
 * the report of this replicator. Other replicators of the mapping write the same key, so each write is a
 * compare-and-set.
 */
export class StatusKeeper {
  readonly #options: CompleteOptions
  readonly #mapping: Mapping
  readonly #key: string
  /** The position that was last written or read. */
  #record: StatusRecord | undefined
  #turn: Promise<unknown> = Promise.resolve()
  /** True if the last write failed with an error that may persist and that was already reported. */
  #isRefused = false

  constructor(options: CompleteOptions, mapping: Mapping) {
    this.#options = options
    this.#mapping = mapping
    this.#key = statusKey(options.statusDir, mapping)
  }

  /**
   * Resolves with the position in the status key; undefined if the position belongs to a source in another datacenter.
   */
  async position(signal: AbortSignal): Promise<bigint | undefined> {
    const {value: entry} = await this.#options.destination.kv.get(this.#key, {signal, consistency: 'consistent'})
    const record = entry && decodeStatus(entry.value)?.record
    const isSame = record?.datacenter === undefined || record.datacenter === this.#mapping.datacenter
    return isSame ? record?.lastReplicated : undefined
  }

  /** Writes the position. A failure is logged. Resolves with the failure if another attempt may succeed. */
  async keep(
    record: StatusRecord,
    {signal, keepPosition}: {readonly signal: AbortSignal; readonly keepPosition: boolean},
  ): Promise<Error | undefined> {
    const toNext = (known: StatusRecord | undefined): StatusRecord =>
      keepPosition ? {...record, lastReplicated: known?.lastReplicated ?? 0n} : record
    if (this.#record && sameStatus(this.#record, toNext(this.#record))) return undefined
    return await this.#change(document => {
      const next = toNext(document?.record)
      this.#record = next
      return sameStatus(document?.record, next) ? undefined : this.#position()
    }, signal)
  }

  /**
   * Writes the report of this replicator beside the reports of others. If another program has replaced the
   * position, writes the position again.
   */
  report(report: ReplicatorReport, signal: AbortSignal): Promise<Error | undefined> {
    const nowMs = this.#options.clock.wallMs()
    return this.#change(document => {
      const isReplaced = this.#record !== undefined && !sameStatus(document?.record, this.#record)
      return {
        replicators: withReport(document?.replicators ?? [], report, nowMs),
        ...(isReplaced && document?.replicators.length === 0 && this.#position()),
      }
    }, signal)
  }

  #position(): Pick<StatusDocument, 'updatedAtMs'> & {readonly record?: StatusRecord} {
    const record = this.#record
    return {updatedAtMs: this.#options.clock.wallMs(), ...(record && {record})}
  }

  /** Makes the changes one after another. */
  #change(change: Change, signal: AbortSignal): Promise<Error | undefined> {
    const done = this.#turn.then(() => this.#write(change, signal))
    this.#turn = done
    return done
  }

  async #write(change: Change, signal: AbortSignal): Promise<Error | undefined> {
    const {destination, logger} = this.#options
    try {
      const toValue = (value: Buffer | undefined): Buffer | undefined => {
        const document = value && decodeStatus(value)
        const changed = change(document)
        return changed && encodeStatus({...(document ?? this.#empty()), ...this.#names, ...changed})
      }
      await destination.kv.update(this.#key, entry => toValue(entry?.value), {signal, attempts: mostAttempts})
      this.#isRefused = false
      return undefined
    } catch (error) {
      this.#record = undefined
      const failure = error instanceof Error ? error : new Error(messageOf(error))
      if (signal.aborted || isTransient(error)) return failure
      if (!this.#isRefused) {
        logger.warn({component: 'replicate', key: this.#key, problem: failure.message}, 'status not written')
      }
      this.#isRefused = true
      return undefined
    }
  }

  get #names(): Pick<StatusDocument, 'source' | 'destination'> {
    return {source: this.#mapping.source, destination: this.#mapping.destination}
  }

  #empty(): StatusDocument {
    const record = {lastReplicated: 0n, datacenter: this.#mapping.datacenter, keys: 0}
    return {...this.#names, record, updatedAtMs: undefined, replicators: []}
  }
}
