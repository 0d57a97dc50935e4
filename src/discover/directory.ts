import {setMaxListeners} from 'node:events'
import {abortSignal, callback, checkOptions, type OptionRule, text, uint64} from '../core/check-options.js'
import {CancelledError, messageOf} from '../core/errors.js'
import {failureKind} from '../core/failure-kind.js'
import {followBelieved} from '../core/query/follow-believed.js'
import {ParkingLot} from '../core/query/parking-lot.js'
import type {FollowStatus} from '../core/query/types.js'
import {Wake} from '../core/time/wake.js'
import type {Clock, Consistency, Logger, Random, Snapshot} from '../core/types.js'
import {withCapability} from './capability.js'
import {ServiceList} from './service-list.js'
import type {DiscoverSource} from './source.js'
import type {DirectoryStats, DirectoryStatus, DiscoveredService, PublishedList, SourceDocument} from './types.js'

export interface DirectoryOptions {
  readonly sources: readonly DiscoverSource[]
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Maximum time in milliseconds for which an outage of Consul may go unnoticed. @default 60000 */
  readonly waitMs?: number
  /** Consistency of reads that are not blocking queries. @default 'consistent' */
  readonly freshConsistency?: Consistency
}

const atLeastZero: OptionRule = {
  expected: 'a number of at least 0',
  accepts: value => Number.isFinite(value) && (value as number) >= 0,
}

const heldTexts = {
  empty: 'appears empty, ignored: the leader does not confirm it',
  filtered: 'appears empty, ignored: the token may not read everything',
  'no-leader': 'appears empty, ignored: there is no leader',
  denied: 'permission denied: something that was in the list exists, but the token may no longer read it',
} as const

/** Time of a source's last successful answer, and whether reads have failed since. */
interface Contact {
  lastAnswerMs: number
  isFailing: boolean
}

/**
 * A list of services that follows its sources. While Consul cannot be read, or a document is invalid, the directory
 * keeps the last valid list, and `status` gives the reason. Methods return copies.
 */
export class ServiceDirectory implements AsyncDisposable {
  readonly #options: DirectoryOptions
  readonly #list: ServiceList
  readonly #contacts = new Map<string, Contact>()
  readonly #changed = new Wake()
  readonly #stop = new AbortController()
  readonly #lot: ParkingLot
  #running: Promise<void> | undefined
  #lastAnswerAtMs: number | undefined
  #requests = 0
  #answers = 0
  #failures = 0
  #limitDelayMs = 0

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.#lot = new ParkingLot(options.clock)
    // Each source adds a listener, so there may be more than Node's usual limit.
    setMaxListeners(0, this.#stop.signal)
    this.#list = new ServiceList(
      options.sources.map(source => source.name),
      options,
    )
  }

  /**
   * Starts to follow the sources; a second call starts nothing and returns the same promise. Rejects if Consul refuses
   * a source. Resolves after the directory was disposed.
   */
  run(): Promise<void> {
    this.#running ??= this.#runAll()
    return this.#running
  }

  /** The list as last published, or undefined before the first one. Do not modify it. */
  get current(): PublishedList | undefined {
    return this.#list.published
  }

  /** States how current the list is, and what is wrong. */
  get status(): DirectoryStatus {
    const {problems} = this.#list
    const failing = [...this.#contacts.values()].filter(contact => contact.isFailing)
    const nowMs = this.#options.clock.monotonicMs()
    return {
      state: toState(this.current !== undefined, failing.length > 0, problems.length > 0),
      problems,
      staleForMs: failing.length === 0 ? 0 : nowMs - Math.min(...failing.map(contact => contact.lastAnswerMs)),
      lastAnswerAtMs: this.#lastAnswerAtMs,
      stats: this.#stats,
    }
  }

  /** Returns all services in the newest valid list; none before the first list. */
  services(): DiscoveredService[] {
    return structuredClone([...(this.current?.services ?? [])])
  }

  /**
   * Returns the services with a capability of this name and a capacity of at least `minCapacity` (default: 0), those
   * with the largest capacity first.
   */
  withCapability(name: string, options: {readonly minCapacity?: number} = {}): DiscoveredService[] {
    checkOptions('withCapability', {...options, name}, {name: text, minCapacity: atLeastZero}, ['name'])
    return [...withCapability(this.services(), name, service => service, options.minCapacity)]
  }

  /** Resolves when the list's index differs from `index`, or when the signal aborts. */
  async untilNewer(index: bigint, signal: AbortSignal): Promise<void> {
    checkOptions('untilNewer', {index}, {index: uint64}, ['index'])
    await this.until(() => this.current?.index !== index, signal)
  }

  /**
   * Resolves when the condition is true or the signal aborts. The condition is checked after each change of the list or
   * the status.
   */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    checkOptions('until', {condition, signal}, {condition: callback, signal: abortSignal}, ['condition', 'signal'])
    while (!condition() && !signal.aborted) await this.#changed.wait(signal).catch(() => undefined)
  }

  /** Stops following the sources. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new CancelledError())
    await this.#running?.catch(() => {})
  }

  get #stats(): DirectoryStats {
    const {badDocuments, unchanged, updates} = this.#list.counts
    return {
      requests: this.#requests,
      answers: this.#answers,
      failures: this.#failures,
      limitDelayMs: this.#limitDelayMs,
      badDocuments,
      unchanged,
      updates,
    }
  }

  async #runAll(): Promise<void> {
    const all = this.#options.sources.map(source => this.#follow(source))
    try {
      await Promise.all(all)
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
    } finally {
      this.#stop.abort(new CancelledError())
      await Promise.allSettled(all)
    }
  }

  async #follow(source: DiscoverSource): Promise<void> {
    const {clock, logger, waitMs, freshConsistency = 'consistent'} = this.#options
    const log = logger.child({source: source.name})
    const contact: Contact = {lastAnswerMs: clock.monotonicMs(), isFailing: false}
    this.#contacts.set(source.name, contact)
    const lists = followBelieved(source.query, this.#options, {
      signal: this.#stop.signal,
      lot: this.#lot,
      freshConsistency,
      ...(waitMs !== undefined && {waitMs}),
      onRequest: () => {
        this.#requests += 1
        log.debug({}, 'sending request')
      },
      onStatus: status => this.#note(status, source, contact),
      onAnswer: ({kind, snapshot}) => {
        this.#answers += 1
        contact.lastAnswerMs = snapshot.sentAtMs
        contact.isFailing = false
        this.#lastAnswerAtMs = clock.wallMs()
        log.debug({kind, index: String(snapshot.index)}, 'received response')
      },
      onHeld: reason => {
        this.#list.setProblem(source.name, `${source.name}: ${heldTexts[reason]}`)
        this.#changed.wake()
      },
    })
    for await (const snapshot of lists) {
      // Reads may have failed after this answer, while the answer was being confirmed.
      contact.isFailing = false
      this.#accept(source, snapshot, log)
      this.#changed.wake()
    }
  }

  #accept(source: DiscoverSource, {value: documents, index}: Snapshot<readonly SourceDocument[]>, log: Logger): void {
    const isMissing = source.isRequired && documents.length === 0
    if (isMissing) {
      this.#list.setProblem(source.name, `${source.name}: does not exist`)
      return
    }
    this.#list.clearProblem(source.name)
    if (!this.#list.accept({source: source.name, documents, index})) return
    log.info({services: this.current?.services.length, index: String(this.current?.index)}, 'updating services')
  }

  #note(status: FollowStatus, source: DiscoverSource, contact: Contact): void {
    if (status.type === 'limited') {
      this.#limitDelayMs += status.delayMs
      return
    }
    this.#failures += 1
    contact.isFailing = true
    this.#list.setProblem(source.name, messageOf(status.error), {level: 'warn', kind: failureKind(status.error)})
    this.#changed.wake()
  }
}

function toState(isKnown: boolean, isFailing: boolean, isBad: boolean): DirectoryStatus['state'] {
  if (!isKnown) return 'starting'
  if (isFailing) return 'stale'
  return isBad ? 'degraded' : 'live'
}
