import {isDeepStrictEqual} from 'node:util'
import {messageOf} from '../core/errors.js'
import type {Clock, Logger} from '../core/types.js'
import type {DiscoveredService, Labels, Problem, PublishedList, SourceDocument} from './types.js'

interface KnownDocument {
  readonly fingerprint: string
  /** The document's last valid content; undefined if it has never been valid. */
  readonly services: readonly DiscoveredService[] | undefined
  readonly labels: Labels | undefined
}

export interface Reading {
  readonly source: string
  readonly documents: readonly SourceDocument[]
  readonly index: bigint | undefined
}

/**
 * The list and the documents that it is made of. A document is decoded only if its fingerprint has changed. If it
 * cannot be decoded, the list keeps the document's last valid content and a problem is noted, until the document is
 * valid again or deleted. A new list is published only if its bytes or labels differ from those of the last one.
 */
export class ServiceList {
  readonly #order: readonly string[]
  readonly #sources = new Map<string, Map<string, KnownDocument>>()
  readonly #problems = new Map<string, {readonly problem: Problem; readonly kind: string}>()
  readonly #clock: Clock
  readonly #logger: Logger
  #published: PublishedList | undefined
  #badDocuments = 0
  #unchanged = 0
  #updates = 0

  constructor(sources: readonly string[], context: {readonly clock: Clock; readonly logger: Logger}) {
    this.#order = sources
    this.#clock = context.clock
    this.#logger = context.logger
  }

  /** The published list; undefined until every source has been read and at least one document is valid. */
  get published(): PublishedList | undefined {
    return this.#published
  }
  get problems(): readonly Problem[] {
    return [...this.#problems.values()].map(({problem}) => problem)
  }
  get counts(): {readonly badDocuments: number; readonly unchanged: number; readonly updates: number} {
    return {badDocuments: this.#badDocuments, unchanged: this.#unchanged, updates: this.#updates}
  }

  /** Takes over what was read from a source. Returns true if a new list was published. */
  accept(reading: Reading): boolean {
    const known = this.#sources.get(reading.source)
    if (known && isSame(known, reading.documents)) {
      this.#unchanged += 1
      return false
    }
    this.#sources.set(reading.source, this.#decodeAll(known, reading.documents))
    return this.#publish(reading.index)
  }

  /** Logs the problem if it is new, or of another kind than before. If no kind is given, the message is the kind. */
  setProblem(
    about: string,
    message: string,
    options: {readonly level?: 'warn' | 'error'; readonly kind?: string} = {},
  ): void {
    const {level = 'error', kind = message} = options
    const before = this.#problems.get(about)
    const sinceMs = before?.problem.sinceMs ?? this.#clock.wallMs()
    this.#problems.set(about, {problem: {about, message, sinceMs}, kind})
    if (before?.kind !== kind) this.#logger[level]({about, problem: message}, 'problem found')
  }

  clearProblem(about: string): void {
    if (this.#problems.delete(about)) this.#logger.info({about}, 'problem solved')
  }

  #decodeAll(
    known: ReadonlyMap<string, KnownDocument> | undefined,
    documents: readonly SourceDocument[],
  ): Map<string, KnownDocument> {
    const next = new Map<string, KnownDocument>()
    for (const document of documents) {
      const before = known?.get(document.key)
      const isKnown = before?.fingerprint === document.fingerprint
      next.set(document.key, isKnown ? before : this.#decode(document, before))
    }
    for (const key of known?.keys() ?? []) if (!next.has(key)) this.clearProblem(key)
    return next
  }

  #decode(document: SourceDocument, before: KnownDocument | undefined): KnownDocument {
    try {
      const services = document.decode()
      this.clearProblem(document.key)
      return {fingerprint: document.fingerprint, services, labels: document.labels}
    } catch (error) {
      this.#badDocuments += 1
      this.setProblem(document.key, messageOf(error))
      return {fingerprint: document.fingerprint, services: before?.services, labels: before?.labels}
    }
  }

  #publish(index: bigint | undefined): boolean {
    const documents = this.#order.map(source => [...(this.#sources.get(source)?.values() ?? [])])
    const all = documents.flat()
    const isUnread = this.#order.some(source => !this.#sources.has(source))
    // If there are documents but none of them was ever valid, nothing is published, because an empty list would mean
    // that there are no services.
    if (isUnread || (all.length > 0 && all.every(document => document.services === undefined))) return false
    const services = all.flatMap(document => document.services ?? [])
    const labels = all.flatMap(document => (document.services ?? []).map(() => document.labels))
    const body = Buffer.from(JSON.stringify({services}))
    if (this.#published?.body.equals(body) === true && isDeepStrictEqual(this.#published.labels, labels)) return false
    const last = this.#published?.index ?? 0n
    this.#updates += 1
    this.#published = {
      services,
      labels,
      body,
      index: index !== undefined && index > last ? index : last + 1n,
      publishedAtMs: this.#clock.wallMs(),
    }
    return true
  }
}

/**
 * True if both have the same keys and fingerprints. The keys in one answer are unique, so two lists are equal if they
 * have the same length and each key of one is in the other.
 */
function isSame(known: ReadonlyMap<string, KnownDocument>, documents: readonly SourceDocument[]): boolean {
  return (
    known.size === documents.length &&
    documents.every(({key, fingerprint}) => known.get(key)?.fingerprint === fingerprint)
  )
}
