import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import type {ConnectionSettings} from './connection.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Consul's variables and the settings they mean. */
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
const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const untruths = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** Go's ParseBool. Throws a UsageError that names the variable. */
export function parseGoBool(text: string, name: string): boolean {
  if (truths.has(text)) return true
  if (untruths.has(text)) return false
  throw new UsageError(`${name}: '${brief(text)}' is neither true nor false`, {code: 'BATON_CONFIG'})
}

/** The connection settings an environment asks for, with the variable each came from. Empty variables count as unset. */
export function connectionFromEnv(env: Environment): {
  readonly settings: ConnectionSettings
  readonly sources: ReadonlyMap<string, string>
} {
  const settings: Record<string, string | boolean> = {}
  const sources = new Map<string, string>()
  for (const [variable, name] of Object.entries(consulVariables)) {
    const text = env[variable]
    if (text === undefined || text === '') continue
    settings[name] = booleanSettings.has(name) ? parseGoBool(text, variable) : text
    sources.set(name, variable)
  }
  return {settings, sources}
}
