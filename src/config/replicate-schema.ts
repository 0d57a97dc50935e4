import {UsageError} from '../core/errors.js'
import type {Settings} from './files.js'

export interface Translation {
  /** By the names of flags. */
  readonly settings: Settings
  readonly warnings: readonly string[]
}

interface Place {
  readonly path: string
  readonly flagNames: readonly string[]
}

type Kind = 'string' | 'boolean' | 'number' | 'duration' | 'ignored'
/** Flag and type by name in the file. */
type Schema = Readonly<Record<string, readonly [flag: string, kind: Kind]>>
type Fields = Readonly<Record<string, unknown>>

const retry: Schema = {
  enabled: ['consul-retry', 'boolean'],
  attempts: ['consul-retry-attempts', 'number'],
  backoff: ['consul-retry-backoff', 'duration'],
  max_backoff: ['consul-retry-max-backoff', 'duration'],
}
const ssl: Schema = {
  enabled: ['consul-ssl', 'boolean'],
  verify: ['consul-ssl-verify', 'boolean'],
  ca_cert: ['ca-file', 'string'],
  ca_path: ['ca-path', 'string'],
  cert: ['client-cert', 'string'],
  key: ['client-key', 'string'],
  server_name: ['tls-server-name', 'string'],
}
const transport: Schema = Object.fromEntries(
  [
    'dial_keep_alive',
    'dial_timeout',
    'disable_keep_alives',
    'idle_conn_timeout',
    'max_conns_per_host',
    'max_idle_conns',
    'max_idle_conns_per_host',
    'tls_handshake_timeout',
  ].map(name => [name, ['', 'ignored'] as const]),
)
const consul: Schema = {
  address: ['http-addr', 'string'],
  token: ['token', 'string'],
  token_file: ['token-file', 'string'],
  namespace: ['namespace', 'string'],
}
const top: Schema = {
  kill_signal: ['kill-signal', 'string'],
  reload_signal: ['reload-signal', 'string'],
  log_level: ['log-level', 'string'],
  max_stale: ['max-stale', 'duration'],
  pid_file: ['pid-file', 'string'],
  status_dir: ['status-dir', 'string'],
  delete_key: ['delete', 'boolean'],
  token: ['token', 'string'],
  path: ['', 'ignored'],
}
const legacy = new Set(['token', 'path'])

/** Turns the content of one file of consul-replicate into settings. Unknown names and wrong types are refused by name. */
export async function translate(content: unknown, place: Place): Promise<Translation> {
  const translator = new Translator(place)
  await translator.readTop(toFields(content, place, 'the file'))
  return {settings: translator.settings, warnings: translator.warnings}
}

class Translator {
  readonly settings: Record<string, unknown> = {}
  readonly warnings: string[] = []
  readonly #place: Place

  constructor(place: Place) {
    this.#place = place
  }

  async readTop(fields: Fields): Promise<void> {
    for (const [name, value] of Object.entries(fields)) {
      if (legacy.has(name)) this.#deprecated(name)
      if (top[name]) this.#set(name, value, top[name])
      else if (name === 'consul') this.#readConsul(value)
      else if (['auth', 'ssl', 'retry'].includes(name)) this.#readLegacy(name, value)
      else if (name === 'wait') this.#readWait(value)
      else if (name === 'syslog') this.#readSyslog(value)
      else if (name === 'prefix') this.settings['prefix'] = items(value).flatMap(item => this.#prefix(item))
      else if (name === 'exclude' || name === 'excludematch' || name === 'exclude_match')
        this.#readExcludes(name, value)
      else await this.#passOn(name, value)
    }
  }

  #readConsul(value: unknown): void {
    if (typeof value === 'string') {
      this.#deprecated('consul = "address"')
      this.settings['http-addr'] = value
      return
    }
    for (const [name, field] of Object.entries(this.#fields(value, 'consul'))) {
      if (name === 'auth') this.#readAuth(field, 'consul.auth')
      else if (name === 'ssl') this.#readBlock(field, ssl, 'consul.ssl')
      else if (name === 'retry') this.#readBlock(field, retry, 'consul.retry')
      else if (name === 'transport') this.#readBlock(field, transport, 'consul.transport')
      else this.#set(`consul.${name}`, field, consul[name])
    }
  }

  #readLegacy(name: string, value: unknown): void {
    this.#deprecated(name)
    if (name === 'auth') this.#readAuth(value, name)
    else if (name === 'ssl') this.#readBlock(value, ssl, name)
    else this.#set(name, value, retry['backoff'])
  }

  #readAuth(value: unknown, name: string): void {
    const {enabled, username = '', password, ...rest} = this.#fields(value, name)
    this.#refuseRest(name, rest)
    if (typeof username !== 'string') throw this.#wrong(`${name}.username`, 'a string')
    if (password !== undefined && typeof password !== 'string') throw this.#wrong(`${name}.password`, 'a string')
    if (enabled === false || (username === '' && password === undefined)) return
    this.settings['consul-auth'] = password === undefined ? username : `${username}:${password}`
  }

  #readWait(value: unknown): void {
    if (typeof value === 'string') {
      this.settings['wait'] = value
      return
    }
    const {min, max, enabled, bool: _misnamed, ...rest} = this.#fields(value, 'wait')
    this.#refuseRest('wait', rest)
    if (enabled === false || min === undefined) return
    const words = [min, ...(max === undefined ? [] : [max])].map(each => this.#convert('wait', each, 'duration'))
    this.settings['wait'] = words.join(':')
  }

  #readSyslog(value: unknown): void {
    const {enabled, facility, name: _name, ...rest} = this.#fields(value, 'syslog')
    this.#refuseRest('syslog', rest)
    if (enabled === true || (enabled === undefined && facility !== undefined)) this.settings['syslog'] = true
  }

  #readExcludes(name: string, value: unknown): void {
    const found = items(value).map(item => {
      const text = typeof item === 'string' ? item : this.#fields(item, name)['source']
      if (typeof text !== 'string') throw this.#wrong(name, 'a string')
      return text
    })
    this.settings[name === 'exclude' ? 'exclude' : 'exclude-match'] = found
  }

  /** All forms end as `source@dc:destination`. */
  #prefix(item: unknown): string[] {
    if (typeof item === 'string') return item.split(',').map(part => part.trim())
    const {source, destination, dc, datacenter} = this.#fields(item, 'prefix')
    const text = (name: string, value: unknown): string | undefined => {
      if (value === undefined || typeof value === 'string') return value
      throw this.#wrong(`prefix.${name}`, 'a string')
    }
    const [path, ownDestination] = splitOnce(text('source', source) ?? '', ':')
    const at = text('dc', dc) ?? text('datacenter', datacenter)
    const from = path.includes('@') || at === undefined ? path : `${path}@${at}`
    const to = text('destination', destination) ?? ownDestination
    return [to === undefined ? from : `${from}:${to}`]
  }

  #readBlock(value: unknown, schema: Schema, name: string): void {
    for (const [field, given] of Object.entries(this.#fields(value, name))) {
      this.#set(`${name}.${field}`, given, schema[field])
    }
  }

  /** Our own settings, by the names of their flags. */
  async #passOn(name: string, value: unknown): Promise<void> {
    const flag = name.replaceAll('_', '-')
    const {flagNames, path} = this.#place
    if (flagNames.includes(flag) && flag !== 'config') {
      this.settings[flag] = value
      return
    }
    const {closest} = await import('fastest-levenshtein')
    throw new UsageError(`config: ${path}: unknown setting '${name}'`, {
      code: 'BATON_CONFIG',
      hint: `did you mean '${closest(flag, flagNames).replaceAll('-', '_')}'?`,
    })
  }

  #set(name: string, value: unknown, rule: Schema[string] | undefined): void {
    if (!rule) throw this.#unknown(name)
    const [flag, kind] = rule
    if (kind !== 'ignored') this.settings[flag] = this.#convert(name, value, kind)
  }

  #convert(name: string, value: unknown, kind: Kind): unknown {
    if (kind === 'duration' && typeof value === 'number') {
      this.warnings.push(
        `${this.#place.path}: ${name} = ${value} means ${value} nanoseconds: write a unit, like "${value}s"`,
      )
      return `${value}ns`
    }
    const wanted = kind === 'duration' ? 'string' : kind
    if (typeof value === wanted) return value
    throw this.#wrong(name, kind === 'duration' ? 'a duration like "5s"' : `a ${wanted}`)
  }

  #fields(value: unknown, name: string): Fields {
    return toFields(value, this.#place, name)
  }

  #refuseRest(name: string, rest: Fields): void {
    const [unknown] = Object.keys(rest)
    if (unknown !== undefined) throw this.#unknown(`${name}.${unknown}`)
  }

  #deprecated(name: string): void {
    this.warnings.push(`${this.#place.path}: ${name} is deprecated, use the consul block`)
  }

  #unknown(name: string): UsageError {
    return new UsageError(`config: ${this.#place.path}: unknown setting '${name}'`, {code: 'BATON_CONFIG'})
  }

  #wrong(name: string, wanted: string): UsageError {
    return new UsageError(`config: ${this.#place.path}: ${name} must be ${wanted}`, {code: 'BATON_CONFIG'})
  }
}

const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : [value])

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}

/** A block: an object, or several of them in HCL, of which later ones add to earlier ones. Names count in any case. */
function toFields(value: unknown, place: Place, name: string): Fields {
  const merged: Record<string, unknown> = {}
  for (const part of items(value)) {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) {
      throw new UsageError(`config: ${place.path}: ${name} must be a block`, {code: 'BATON_CONFIG'})
    }
    for (const [key, field] of Object.entries(part)) {
      const lower = key.toLowerCase()
      const earlier = merged[lower]
      merged[lower] = isBlock(earlier) && isBlock(field) ? [earlier, field].flat() : field
    }
  }
  return merged
}

const isBlock = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (!Array.isArray(value) || value.every(isBlock))
