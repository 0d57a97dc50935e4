import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import type {ConnectionSettings} from './connection.js'

/** Variables by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Consul's variables, each with the setting that it sets. */
export const consulVariables: Readonly<Record<string, keyof ConnectionSettings>> = {
  CONSUL_HTTP_ADDR: 'http-addr',
  CONSUL_HTTP_TOKEN: 'token',
  CONSUL_HTTP_TOKEN_FILE: 'token-file',
  CONSUL_HTTP_AUTH: 'http-auth',
  CONSUL_HTTP_SSL: 'http-ssl',
  CONSUL_HTTP_SSL_VERIFY: 'http-ssl-verify',
  CONSUL_CACERT: 'ca-file',
  CONSUL_CAPATH: 'ca-path',
  CONSUL_CLIENT_CERT: 'client-cert',
  CONSUL_CLIENT_KEY: 'client-key',
  CONSUL_TLS_SERVER_NAME: 'tls-server-name',
  CONSUL_NAMESPACE: 'namespace',
  CONSUL_PARTITION: 'partition',
}

const booleanSettings: ReadonlySet<string> = new Set(['http-ssl', 'http-ssl-verify', 'stale'])

/** The variables of each setting, in order of precedence: baton's own, then Consul's. */
const variablesOf: ReadonlyMap<string, readonly string[]> = new Map(
  [...Object.entries(consulVariables), [undefined, 'datacenter'] as const, [undefined, 'stale'] as const].map(
    ([variable, name]) => {
      const own = `BATON_${name.toUpperCase().replaceAll('-', '_')}`
      return [name, variable === undefined ? [own] : [own, variable]]
    },
  ),
)

/** The names of all variables that set the connection. */
export const connectionVariables: readonly string[] = [...variablesOf.values()].flat()

const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const untruths = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** Parses a boolean as Go's ParseBool does. Throws a UsageError that names the variable. */
export function parseGoBool(text: string, name: string): boolean {
  if (truths.has(text)) return true
  if (untruths.has(text)) return false
  throw new UsageError(`${name}: '${brief(text)}' is neither true nor false`, {code: 'BATON_CONFIG'})
}

/** Returns the connection settings from an environment. Empty variables count as unset. */
export function connectionFromEnv(env: Environment): ConnectionSettings {
  const settings: Record<string, string | boolean> = {}
  for (const [name, variables] of variablesOf) {
    const variable = variables.find(one => env[one] !== undefined && env[one] !== '')
    const text = variable === undefined ? undefined : env[variable]
    if (variable === undefined || text === undefined) continue
    settings[name] = booleanSettings.has(name) ? parseGoBool(text, variable) : text
  }
  return settings
}
