import {checkTransportOptions} from './lane-transport.js'
import type {Transport, TransportOptions, TransportRequest, TransportResponse} from './types.js'

/**
 * A transport for processes that hold many queries or read large answers. Pass it to `createClient` as `transport`.
 * Loads undici when the first request is sent.
 *
 * @example
 * ```ts
 * await using client = createClient({address, transport: undiciTransport})
 * const {datacenter} = await client.agent.self()
 * datacenter // => 'dc1'
 * ```
 */
export function undiciTransport(options: TransportOptions): Transport {
  checkTransportOptions(options)
  return new LateUndici(options)
}

/**
 * Loads undici only at the first request: undici is a third of the library's size, and most processes do
 * not need it.
 */
class LateUndici implements Transport {
  readonly #options: TransportOptions
  #lanes: Promise<Transport> | undefined
  #isClosed = false

  constructor(options: TransportOptions) {
    this.#options = options
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    this.#lanes ??= this.#load()
    const lanes = await this.#lanes
    return lanes.send(request)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const lanes = await this.#lanes
    await lanes?.[Symbol.asyncDispose]()
  }

  async #load(): Promise<Transport> {
    const {UndiciLanes} = await import('./undici-lanes.js')
    const lanes = new UndiciLanes(this.#options)
    if (this.#isClosed) await lanes[Symbol.asyncDispose]()
    return lanes
  }
}
