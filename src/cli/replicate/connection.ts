import type {ConnectionSettings} from '../../config/connection.js'
import {consulVariables, type Environment} from '../../config/environment.js'
import {UsageError} from '../../core/errors.js'

const tlsFields = ['ca-file', 'ca-path', 'client-cert', 'client-key', 'tls-server-name'] as const
type TlsField = (typeof tlsFields)[number]

/** Connection settings, and warnings about settings without effect. */
export interface Connection {
  readonly settings: ConnectionSettings
  readonly warning: string | undefined
}

interface ConsulReplicateFlags {
  readonly 'consul-auth'?: string | undefined
  readonly 'consul-ssl'?: boolean
  readonly 'consul-ssl-verify'?: boolean
}

interface Layers {
  readonly env: Environment
  readonly sources: ReadonlyMap<string, string>
}

/**
 * Reads connection settings as consul-replicate does: its own flags, CONSUL_TOKEN, and TLS if any TLS setting is given.
 * As in consul-replicate, CONSUL_* variables alone do not turn TLS on. The consistency is not set here, because each
 * request chooses its own.
 */
export function withConsulReplicate(
  given: ConnectionSettings,
  flags: ConsulReplicateFlags,
  {env, sources}: Layers,
): Connection {
  const {stale: _, ...base} = withToken(given, env, sources)
  const auth = flags['consul-auth']
  const settings = {...base, ...(auth !== undefined && {'http-auth': auth})}
  const isVariable = (name: string): boolean => Object.hasOwn(consulVariables, sources.get(name) ?? '')
  if (flags['consul-ssl'] === false) return {settings: withoutTls(settings, isVariable, sources), warning: undefined}
  const verify = flags['consul-ssl-verify']
  const block = {...settings, ...(verify !== undefined && {'http-ssl-verify': verify})}
  if (flags['consul-ssl'] === true) return {settings: {...toBlock(block), 'http-ssl': true}, warning: undefined}
  const names = tlsFields.filter(name => isGiven(settings[name]) && !isVariable(name))
  return withImpliedTls(block, verify === undefined ? names : [...names, 'consul-ssl-verify'])
}

/**
 * Returns the settings of the source's own connection; undefined if it has none. Here, too, any TLS setting turns TLS
 * on.
 */
export function sourceConnection(flags: Readonly<Record<string, unknown>>): Connection | undefined {
  const given = Object.entries(flags).flatMap(([name, value]) =>
    name.startsWith('source-') && value !== undefined ? [[name.slice('source-'.length), value] as const] : [],
  )
  if (given.length === 0) return undefined
  if (flags['source-http-addr'] === undefined) {
    throw new UsageError(`--source-${given[0]?.[0] ?? ''}: only with --source-http-addr`)
  }
  const settings: ConnectionSettings = Object.fromEntries(given)
  return withImpliedTls(
    settings,
    tlsFields.filter(name => isGiven(settings[name])),
  )
}

/** Turns TLS on if `names` contains a TLS setting. For an `http://` address, returns a warning instead. */
function withImpliedTls(settings: ConnectionSettings, names: readonly string[]): Connection {
  const block = toBlock(settings)
  if (names.length === 0) return {settings: block, warning: undefined}
  const address = settings['http-addr'] ?? ''
  if (!/^http:\/\//i.test(address)) return {settings: {...block, 'http-ssl': true}, warning: undefined}
  return {settings: block, warning: `${names.join(', ')}: no effect: the address says http://`}
}

/** Treats an empty file name as no file. A certificate without a key file contains its key. */
function toBlock(settings: ConnectionSettings): ConnectionSettings {
  const empty = tlsFields.filter(name => settings[name] === '')
  const block = without(settings, empty)
  const certificate = block['client-cert']
  return certificate === undefined || block['client-key'] !== undefined ? block : {...block, 'client-key': certificate}
}

/**
 * Removes TLS settings, because --consul-ssl=false turns TLS off. TLS settings from variables stay if the variables or
 * the address ask for TLS.
 */
function withoutTls(
  settings: ConnectionSettings,
  isVariable: (name: string) => boolean,
  sources: Layers['sources'],
): ConnectionSettings {
  const isTyped = ['flag', 'BATON_CONSUL_SSL'].includes(sources.get('consul-ssl') ?? '')
  const rest = isTyped ? without(settings, ['http-ssl']) : settings
  const isTls = rest['http-ssl'] === true || /^https:\/\//i.test(rest['http-addr'] ?? '')
  return toBlock(without(rest, isTls ? tlsFields.filter(name => !isVariable(name)) : tlsFields))
}

function withToken(given: ConnectionSettings, env: Environment, sources: Layers['sources']): ConnectionSettings {
  const token = env['CONSUL_TOKEN']
  if (token === undefined || !usesOwnToken(env, sources)) return given
  return {...without(given, ['token-file']), token}
}

/** True if the token comes from CONSUL_TOKEN, because no setting with precedence over it sets a token. */
export function usesOwnToken(env: Environment, sources: Layers['sources']): boolean {
  const higher = new Set(['flag', 'BATON_TOKEN', 'BATON_TOKEN_FILE'])
  const isHigher = ['token', 'token-file'].some(name => higher.has(sources.get(name) ?? ''))
  return (env['CONSUL_TOKEN'] ?? '') !== '' && !isHigher
}

const isGiven = (text: string | undefined): boolean => text !== undefined && text !== ''

function without(settings: ConnectionSettings, names: readonly (TlsField | keyof ConnectionSettings)[]) {
  const left = Object.entries(settings).filter(([name]) => !names.includes(name as TlsField))
  return Object.fromEntries(left) as ConnectionSettings
}
