/** Something that a service can do, with its capacity. */
export interface Capability {
  /** Its name, for example `resize`. */
  readonly name: string
  /** 0 or more, in units of the application's choice. */
  readonly capacity: number
}

/** A service: its URI and its capabilities. */
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

/** Labels of a target for Prometheus. */
export type Labels = Readonly<Record<string, string>>

/** One document of a source: decoded only when its fingerprint has changed. */
export interface SourceDocument {
  /** Names the document within its source. */
  readonly key: string
  /** Equal fingerprints mean equal content. */
  readonly fingerprint: string
  /** Labels from the catalog's data about an instance. */
  readonly labels?: Labels
  /** Throws an error that says what is wrong with the document. */
  readonly decode: () => readonly DiscoveredService[]
}

/** A list as it was published. The bytes are ready to be sent. */
export interface PublishedList {
  /** All services, in the order of sources and documents. */
  readonly services: readonly DiscoveredService[]
  /** The labels of each of these services; undefined for those of a document. */
  readonly labels: readonly (Labels | undefined)[]
  /** The services as JSON, ready to be sent. */
  readonly body: Buffer
  /** Greater than that of every earlier list of the process. It is Consul's own index where that is greater. */
  readonly index: bigint
  /** Wall time of publication, in milliseconds. */
  readonly publishedAtMs: number
}

/** A reason why the list may be out of date. */
export interface Problem {
  /** The document or the source it concerns. */
  readonly about: string
  readonly message: string
  /** Wall time since which the problem exists, in milliseconds. */
  readonly sinceMs: number
}

export interface DirectoryStats {
  /** Requests sent to Consul. */
  readonly requests: number
  /** Good answers. */
  readonly answers: number
  /** Failed requests that were retried. */
  readonly failures: number
  /** Answers without changes, which were not decoded. */
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
  /** Counters since the start. */
  readonly stats: DirectoryStats
}
