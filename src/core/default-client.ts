import {type ClientOptions, type ConsulClient, createClient as createNodeClient} from './client.js'
import {undiciTransport} from './http/undici-transport.js'

/**
 * Opens a door to one agent for a program that holds queries. Sends nothing by itself and reads no environment.
 * Dispose it to close its sockets; calls under way are rejected.
 *
 * @example
 * ```ts
 * await using client = createClient({address})
 * await client.kv.put('greeting', Buffer.from('hello'))
 * const {value} = await client.kv.get('greeting')
 * value?.value.toString() // => 'hello'
 * ```
 */
export const createClient = (options: ClientOptions = {}): ConsulClient =>
  createNodeClient({transport: undiciTransport, ...options})
