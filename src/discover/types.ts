/** What a service can do, and how much of it. */
export interface Capability {
  /** For example `resize`. */
  readonly name: string
  /** 0 or more, in units of the application's choice. */
  readonly capacity: number
}

/** A service: where it is and what it can do. */
export interface DiscoveredService {
  /** A URI with a host. */
  readonly uri: string
  /** May be empty. */
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
  /** All services, in the order of sources and documents. */
  readonly services: readonly DiscoveredService[]
  /** The same as JSON, ready to be sent. */
  readonly body: Buffer
  /** Grows with every list of one process; from Consul's own index where that is higher. */
  readonly index: bigint
  /** Wall time of publication, in milliseconds. */
  readonly publishedAtMs: number
}

/** Why the list may be out of date. */
export interface Problem {
  /** The document or the source it concerns. */
  readonly about: string
  readonly message: string
  /** Wall clock. */
  readonly sinceMs: number
}

export interface DirectoryStats {
  /** Requests sent to Consul. */
  readonly requests: number
  /** Good answers. */
  readonly answers: number
  /** Failed requests that were retried. */
  readonly failures: number
  /** Answers that held nothing new, dropped before decoding. */
  readonly unchanged: number
  /** Lists published. */
  readonly updates: number
  /** Documents that could not be decoded. */
  readonly badDocuments: number
  /** Sum of all delays by the rate limiter, in milliseconds. */
  readonly limitDelayMs: number
}

/** How current the list is, and what is wrong. */
export interface DirectoryStatus {
  /** `starting` until the first list; `stale` while Consul cannot be read; `degraded` while a document is bad. */
  readonly state: 'starting' | 'live' | 'degraded' | 'stale'
  /** What is wrong at present. */
  readonly problems: readonly Problem[]
  /** Milliseconds since the list was last proven current; 0 while it is. */
  readonly staleForMs: number
  /** Wall time of the last good answer, in milliseconds. */
  readonly lastAnswerAtMs: number | undefined
  /** Counted since the start. */
  readonly stats: DirectoryStats
}
