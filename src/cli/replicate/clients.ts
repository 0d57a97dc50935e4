import {type ConnectionSettings, toClientOptions} from '../../config/connection.js'
import {type ConsulClient, createClient} from '../../core/client.js'
import type {Logger, Transport, TransportOptions} from '../../core/types.js'

interface Shared {
  readonly logger: Logger
  readonly transport: (options: TransportOptions) => Transport
}

/**
 * The clients of a replicator. Equal settings with unchanged files share a client, which stays in use across a reload.
 * Disposing closes all clients.
 */
export class Clients implements AsyncDisposable {
  readonly #shared: Shared
  readonly #clients = new Map<string, ConsulClient>()

  constructor(shared: Shared) {
    this.#shared = shared
  }

  /** Returns the client for these settings. Throws a UsageError if settings or files are not valid. */
  get(settings: ConnectionSettings): ConsulClient {
    const options = toClientOptions(settings)
    const name = JSON.stringify([settings, options.tls])
    const known = this.#clients.get(name)
    if (known) return known
    const client = createClient({...this.#shared, ...options})
    this.#clients.set(name, client)
    return client
  }

  /** Closes all clients except the given ones. */
  async keepOnly(used: ReadonlySet<ConsulClient>): Promise<void> {
    for (const [name, client] of this.#clients) {
      if (used.has(client)) continue
      this.#clients.delete(name)
      await client[Symbol.asyncDispose]()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keepOnly(new Set())
  }
}
