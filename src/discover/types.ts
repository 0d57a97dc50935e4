/** Something that a service can do, with its capacity. */
export interface Capability {
  /** Name of the capability, for example `resize`. */
  readonly name: string
  /** 0 or more, in units of the application's choice. */
  readonly capacity: number
}

/** A service: its URI and its capabilities. */
export interface DiscoveredService {
  /** A URI with a host. */
  readonly uri: string
  /** The capabilities of the service; may be empty. */
  readonly capabilities: readonly Capability[]
}

/** The content of a document in KV, and of the body of `/services`. */
export interface ServicesDocument {
  readonly services: readonly DiscoveredService[]
}

/** Labels of a target for Prometheus. */
export type Labels = Readonly<Record<string, string>>

/** One document of a source. It is decoded only when its fingerprint has changed. */
export interface SourceDocument {
  /** Identifies the document within its source. */
  readonly key: string
  /** Equal fingerprints mean equal content. */
  readonly fingerprint: string
  /** Labels from the catalog's data about the instance. */
  readonly labels?: Labels
  /** Decodes the document. Throws an error that says what is wrong with it. */
  readonly decode: () => readonly DiscoveredService[]
}

/** A list as it was published. The bytes are ready to be sent. */
export interface PublishedList {
  /** All services, in the order of sources and documents. */
  readonly services: readonly DiscoveredService[]
  /** The labels of each of these services; undefined for a service that comes from a document in KV. */
  readonly labels: readonly (Labels | undefined)[]
  /** The services as JSON, ready to be sent. */
  readonly body: Buffer
  /**
   * Index of the list, which is greater than that of every earlier list of this process. It is Consul's own
   * index if that is greater still.
   */
  readonly index: bigint
  /** Wall time of publication, in milliseconds. */
  readonly publishedAtMs: number
}

/** A reason why the list may be out of date. */
export interface Problem {
  /** The document or source that is affected. */
  readonly about: string
  readonly message: string
  /** Wall time since which the problem exists, in milliseconds. */
  readonly sinceMs: number
}

export interface DirectoryStats {
  /** Number of requests sent to Consul. */
  readonly requests: number
  /** Number of successful answers. */
  readonly answers: number
  /** Number of failed requests, which were retried. */
  readonly failures: number
  /** Number of answers without changes, which were not decoded. */
  readonly unchanged: number
  /** Number of published lists. */
  readonly updates: number
  /** Number of documents that could not be decoded. */
  readonly badDocuments: number
  /** Sum of all delays by the rate limiter, in milliseconds. */
  readonly limitDelayMs: number
}

/** States how current the list is, and what is wrong. */
export interface DirectoryStatus {
  /**
   * `starting` until the first list; `stale` while Consul cannot be read; `degraded` while a document is invalid.
   */
  readonly state: 'starting' | 'live' | 'degraded' | 'stale'
  /** The current problems. */
  readonly problems: readonly Problem[]
  /** Time since the list was last known to be current, in milliseconds; 0 while it is current. */
  readonly staleForMs: number
  /** Wall time of the last successful answer, in milliseconds. */
  readonly lastAnswerAtMs: number | undefined
  /** Counters since the start. */
  readonly stats: DirectoryStats
}
