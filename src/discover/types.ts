/** What a service can do, and how much of it. */
export interface Capability {
  readonly name: string
  readonly capacity: number
}

/** A service: where it is and what it can do. */
export interface DiscoveredService {
  readonly uri: string
  readonly capabilities: readonly Capability[]
}

/** The document under a key, and the body of `/services`. */
export interface ServicesDocument {
  readonly services: readonly DiscoveredService[]
}

/** One document of a source: decoded only when its fingerprint has changed. */
export interface SourceDocument {
  /** Names the document within its source. */
  readonly key: string
  /** Equal fingerprints mean equal content. */
  readonly fingerprint: string
  /** Throws an error that says what is wrong with the document. */
  readonly decode: () => readonly DiscoveredService[]
}

/** A list as it was published. The bytes are ready to be sent. */
export interface PublishedList {
  readonly services: readonly DiscoveredService[]
  readonly body: Buffer
  /** Grows with every list of one process; from Consul's own index where that is higher. */
  readonly index: bigint
  readonly publishedAtMs: number
}

/** Why the list may be older than the truth. */
export interface Problem {
  /** The document or the source it concerns. */
  readonly about: string
  readonly message: string
  /** Wall clock. */
  readonly sinceMs: number
}

export interface DirectoryStats {
  readonly requests: number
  readonly answers: number
  readonly failures: number
  /** Answers that held nothing new, dropped before decoding. */
  readonly unchanged: number
  readonly updates: number
  readonly badDocuments: number
  /** Sum of all the waits the rate limiter imposed. */
  readonly limitDelayMs: number
}

/** How current the list is, and what is wrong. */
export interface DirectoryStatus {
  /** `starting` until the first list; `stale` while Consul cannot be read; `degraded` while a document is bad. */
  readonly state: 'starting' | 'live' | 'degraded' | 'stale'
  readonly problems: readonly Problem[]
  /** Since when the list is no longer proven current, or 0. */
  readonly staleForMs: number
  /** Wall clock of the last good answer. */
  readonly lastAnswerAtMs: number | undefined
  readonly stats: DirectoryStats
}
