import {checkOptions, object} from '../core/check-options.js'
import type {ClientOptions} from '../core/client.js'
import {toClientOptions} from './connection.js'
import {connectionFromEnv, type Environment} from './environment.js'

/**
 * Returns options for `createClient` from environment variables: Consul's variables (`CONSUL_HTTP_ADDR`,
 * `CONSUL_HTTP_TOKEN`, `CONSUL_HTTP_TOKEN_FILE`, `CONSUL_HTTP_AUTH`, `CONSUL_HTTP_SSL`, `CONSUL_CACERT` and so on) and
 * baton's own, which take precedence: `BATON_HTTP_ADDR`, `BATON_TOKEN`, `BATON_DATACENTER`, `BATON_STALE` and so on. An
 * empty variable counts as unset. Reads the files that the variables name: certificates and keys once, a token file
 * again whenever it changes. A token file takes precedence over a token. Throws a UsageError of code BATON_CONFIG,
 * which names the setting, if a file cannot be used or a boolean is neither true nor false.
 *
 * @example
 * ```ts
 * const env = {CONSUL_HTTP_ADDR: address, BATON_DATACENTER: 'dc1'}
 * await using fromEnvironment = createClient(clientOptionsFromEnvironment(env))
 * fromEnvironment.scope // => {datacenter: 'dc1'}
 * ```
 */
export function clientOptionsFromEnvironment(env: Environment): ClientOptions {
  checkOptions('clientOptionsFromEnvironment', {env}, {env: object}, ['env'])
  return toClientOptions(connectionFromEnv(env))
}
