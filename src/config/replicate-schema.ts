import {UsageError} from '../core/errors.js'
import type {Settings} from './files.js'
import {isBlock, mergeBlock} from './merge-block.js'
import {unknownSetting} from './unknown-setting.js'

export interface Translation {
  /** Values by flag name. */
  readonly settings: Settings
  readonly warnings: readonly string[]
  /** Prefixes that have their own settings. */
  readonly prefixes: readonly PrefixSettings[]
}

/** The settings of a `prefix` block, except source, datacenter and destination. */
export interface PrefixSettings {
  /** The mapping as `source@dc:destination`. */
  readonly prefix: string
  /** Patterns that select keys, by flag name. */
  readonly patterns: Readonly<Record<string, readonly string[]>>
  /** Connection settings of this prefix alone, by flag name: to the source (`from`) and to the destination (`to`). */
  readonly from: Settings | undefined
  readonly to: Settings | undefined
  readonly path: string
}

interface Place {
  readonly path: string
  readonly flagNames: readonly string[]
}

type Kind = 'string' | 'boolean' | 'number' | 'duration' | 'ignored'
/** For each name in the file: the flag that it sets, and its type. */
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
const consulBlocks = ['auth', 'ssl', 'retry', 'transport']
const topBlocks = ['consul', 'auth', 'ssl', 'retry', 'wait', 'syslog', 'prefix', 'exclude', 'excludematch']
const prefixFields = ['source', 'destination', 'datacenter', 'dc', 'from', 'to']
const patternFields = [
  'exclude',
  'exclude_match',
  'exclude_glob',
  'exclude_regex',
  'include',
  'include_glob',
  'include_regex',
]

/**
 * Converts the content of one consul-replicate file to settings. For an unknown name, a wrong type or a contradiction,
 * throws a UsageError that names the setting.
 */
export function translate(content: unknown, place: Place): Translation {
  const translator = new Translator(place)
  translator.readTop(toFields(content, place, 'the file'))
  return {settings: translator.settings, warnings: translator.warnings, prefixes: translator.prefixes}
}

class Translator {
  readonly settings: Record<string, unknown> = {}
  readonly warnings: string[] = []
  readonly prefixes: PrefixSettings[] = []
  readonly #place: Place
  /** For each flag, the name in the file that has set it. */
  readonly #origins = new Map<string, string>()

  constructor(place: Place) {
    this.#place = place
  }

  readTop(fields: Fields): void {
    for (const [name, value] of Object.entries(fields)) {
      if (legacy.has(name)) this.#deprecated(name)
      const rule = ruleOf(top, name)
      if (rule) this.#set(name, value, rule)
      else if (name === 'consul') this.#readConsul(value)
      else if (['auth', 'ssl', 'retry'].includes(name)) this.#readLegacy(name, value)
      else if (name === 'wait') this.#readWait(value)
      else if (name === 'syslog') this.#readSyslog(value)
      else if (name === 'prefix') this.settings['prefix'] = items(value).flatMap(item => this.#prefix(item))
      else if (name === 'exclude' || name === 'excludematch' || name === 'exclude_match')
        this.#readExcludes(name, value)
      else this.#passOn(name, value)
    }
  }

  #readConsul(value: unknown): void {
    if (typeof value === 'string') {
      this.#deprecated('consul = "address"')
      this.#assign('http-addr', value, 'consul')
      return
    }
    for (const [name, field] of Object.entries(this.#fields(value, 'consul'))) {
      if (name === 'auth') this.#readAuth(field, 'consul.auth')
      else if (name === 'ssl') this.#readBlock(field, ssl, 'consul.ssl')
      else if (name === 'retry') this.#readBlock(field, retry, 'consul.retry')
      else if (name === 'transport') this.#readBlock(field, transport, 'consul.transport')
      else this.#setIn(consul, `consul.${name}`, field, consulBlocks)
    }
  }

  #readLegacy(name: string, value: unknown): void {
    this.#deprecated(name)
    if (name === 'auth') this.#readAuth(value, name)
    else if (name === 'ssl') this.#readBlock(value, ssl, name)
    else this.#set(name, value, ['consul-retry-backoff', 'duration'])
  }

  #readAuth(value: unknown, name: string): void {
    const {enabled, username = '', password, ...rest} = this.#fields(value, name)
    this.#refuseRest(name, rest, ['enabled', 'username', 'password'])
    this.#checkSwitch(name, enabled)
    if (typeof username !== 'string') throw this.#wrong(`${name}.username`, 'a string')
    if (password !== undefined && typeof password !== 'string') throw this.#wrong(`${name}.password`, 'a string')
    if (enabled === false || (username === '' && password === undefined)) return
    this.#assign('consul-auth', password === undefined ? username : `${username}:${password}`, name)
  }

  #readWait(value: unknown): void {
    if (typeof value === 'string') {
      this.settings['wait'] = value
      return
    }
    const {min, max, enabled, bool: _misnamed, ...rest} = this.#fields(value, 'wait')
    this.#refuseRest('wait', rest, ['enabled', 'min', 'max'])
    this.#checkSwitch('wait', enabled)
    if (min === undefined && max !== undefined) throw this.#wrong('wait.min', 'given beside wait.max')
    if (enabled === false || min === undefined) return
    const words = [min, ...(max === undefined ? [] : [max])].map(each => this.#convert('wait', each, 'duration'))
    this.settings['wait'] = words.join(':')
  }

  #readSyslog(value: unknown): void {
    const {enabled, facility, name: _name, ...rest} = this.#fields(value, 'syslog')
    this.#refuseRest('syslog', rest, ['enabled', 'facility', 'name'])
    this.#checkSwitch('syslog', enabled)
    if (facility !== undefined && typeof facility !== 'string') throw this.#wrong('syslog.facility', 'a string')
    if (enabled !== true && (enabled === false || facility === undefined)) return
    this.settings['syslog'] = true
    if (facility !== undefined) this.settings['syslog-facility'] = facility
  }

  #readExcludes(name: string, value: unknown): void {
    const found = items(value).map(item => {
      if (typeof item === 'string') return item
      const {source, ...rest} = this.#fields(item, name)
      this.#refuseLabel(name, rest)
      this.#refuseRest(name, rest, ['source'])
      if (typeof source !== 'string') throw this.#wrong(`${name}.source`, 'a string')
      return source
    })
    if (found.includes('')) {
      const text = `config: ${this.#place.path}: ${name} is empty: it would leave out every key`
      throw new UsageError(text, {code: 'BATON_CONFIG'})
    }
    const flag = name === 'exclude' ? 'exclude' : 'exclude-match'
    this.settings[flag] = [this.settings[flag] ?? [], found].flat()
  }

  /** Converts a prefix in any of its forms to texts such as `source@dc:destination`. */
  #prefix(item: unknown): string[] {
    if (typeof item === 'string') return item.split(',').map(part => part.trim())
    const {source, destination, dc, datacenter, from: there, to: here, ...rest} = this.#fields(item, 'prefix')
    this.#refuseLabel('prefix', rest)
    const patterns = this.#patterns(rest)
    const text = (name: string, value: unknown): string | undefined => {
      if (value === undefined || typeof value === 'string') return value
      throw this.#wrong(`prefix.${name}`, 'a string')
    }
    const whole = text('source', source)
    if (whole === undefined || whole === '') throw this.#wrong('prefix.source', 'given')
    const [left, ownDestination] = splitOnce(whole, ':')
    const [path, ownDatacenter] = splitOnce(left, '@')
    const at = this.#agreed('datacenter', [ownDatacenter, text('dc', dc), text('datacenter', datacenter)])
    const to = this.#agreed('destination', [ownDestination, text('destination', destination)])
    const from = at === undefined ? path : `${path}@${at}`
    const prefix = to === undefined ? from : `${from}:${to}`
    const connections = {from: this.#connection(there, 'prefix.from'), to: this.#connection(here, 'prefix.to')}
    if (Object.keys(patterns).length > 0 || there !== undefined || here !== undefined) {
      this.prefixes.push({prefix, patterns, ...connections, path: this.#place.path})
    }
    return [prefix]
  }

  /** Returns the patterns that select the keys of a prefix. */
  #patterns(fields: Fields): PrefixSettings['patterns'] {
    const patterns: Record<string, readonly string[]> = {}
    for (const [name, value] of Object.entries(fields)) {
      if (!patternFields.includes(name)) throw this.#unknown(`prefix.${name}`, [...prefixFields, ...patternFields])
      patterns[name.replaceAll('_', '-')] = items(value).map(text => {
        if (typeof text === 'string' && text !== '') return text
        throw this.#wrong(`prefix.${name}`, 'a text, or several, that is not empty')
      })
    }
    return patterns
  }

  /** Reads the `from` or `to` block of a prefix, which sets a connection with the fields of a `consul` block. */
  #connection(value: unknown, name: string): Settings | undefined {
    if (value === undefined) return undefined
    const inner = new Translator(this.#place)
    inner.#readConsul(this.#fields(value, name))
    const [unfit] = Object.keys(inner.settings).filter(flag => flag.startsWith('consul-retry'))
    if (unfit !== undefined) throw this.#unknown(`${name}.retry`, Object.keys(consul))
    this.warnings.push(...inner.warnings)
    return inner.settings
  }

  /** Returns the value of a setting that may be given several times. Throws a UsageError if the values differ. */
  #agreed(name: string, values: readonly (string | undefined)[]): string | undefined {
    const [first, second] = new Set(values.filter(value => value !== undefined && value !== ''))
    if (second === undefined) return first
    throw new UsageError(`config: ${this.#place.path}: prefix: the ${name} is both '${first ?? ''}' and '${second}'`, {
      code: 'BATON_CONFIG',
      hint: `give the ${name} once`,
    })
  }

  #readBlock(value: unknown, schema: Schema, name: string): void {
    for (const [field, given] of Object.entries(this.#fields(value, name))) {
      this.#setIn(schema, `${name}.${field}`, given)
    }
  }

  /** Sets one of baton's own settings, whose names are those of the flags. */
  #passOn(name: string, value: unknown): void {
    const flag = name.replaceAll('_', '-')
    const {flagNames} = this.#place
    if (flagNames.includes(flag)) {
      this.#assign(flag, value, name)
      return
    }
    const ours = flagNames.map(each => each.replaceAll('-', '_'))
    throw this.#unknown(name, [...Object.keys(top), ...topBlocks, ...ours])
  }

  #set(name: string, value: unknown, [flag, kind]: readonly [flag: string, kind: Kind]): void {
    if (kind !== 'ignored') this.#assign(flag, this.#convert(name, value, kind), name)
    else if (!legacy.has(name)) {
      this.warnings.push(`${this.#place.path}: ${name}: no effect: accepted for consul-replicate only`)
    }
  }

  #setIn(schema: Schema, name: string, value: unknown, blocks: readonly string[] = []): void {
    const rule = ruleOf(schema, name.slice(name.lastIndexOf('.') + 1))
    if (!rule) throw this.#unknown(name, [...Object.keys(schema), ...blocks])
    this.#set(name, value, rule)
  }

  /** Throws a UsageError if two names of the same setting have different values. */
  #assign(flag: string, value: unknown, name: string): void {
    const origin = this.#origins.get(flag)
    if (origin !== undefined && origin !== name && this.settings[flag] !== value) {
      throw new UsageError(`config: ${this.#place.path}: '${origin}' and '${name}' contradict each other`, {
        code: 'BATON_CONFIG',
        hint: 'give one of them',
      })
    }
    this.#origins.set(flag, name)
    this.settings[flag] = value
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

  #refuseRest(name: string, rest: Fields, known: readonly string[]): void {
    const [unknown] = Object.keys(rest)
    if (unknown !== undefined) throw this.#unknown(`${name}.${unknown}`, known)
  }

  /** Throws a UsageError for a block with a label, because `prefix "app" {…}` is read as a block within a block. */
  #refuseLabel(name: string, rest: Fields): void {
    const label = Object.keys(rest).find(key => isBlock(rest[key]))
    if (label === undefined) return
    throw new UsageError(`config: ${this.#place.path}: ${name} '${label}': this block has no label`, {
      code: 'BATON_CONFIG',
      hint: `write ${name} { source = "…" }`,
    })
  }

  #checkSwitch(name: string, enabled: unknown): void {
    if (enabled !== undefined && typeof enabled !== 'boolean') throw this.#wrong(`${name}.enabled`, 'a boolean')
  }

  #deprecated(name: string): void {
    this.warnings.push(`${this.#place.path}: ${name} is deprecated, use the consul block`)
  }

  #unknown(name: string, known: readonly string[]): UsageError {
    return unknownSetting(this.#place.path, name, known)
  }

  #wrong(name: string, wanted: string): UsageError {
    return new UsageError(`config: ${this.#place.path}: ${name} must be ${wanted}`, {code: 'BATON_CONFIG'})
  }
}

const ruleOf = (schema: Schema, name: string): Schema[string] | undefined =>
  Object.hasOwn(schema, name) ? schema[name] : undefined

const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : [value])

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}

/** Returns the settings of a block. */
function toFields(value: unknown, place: Place, name: string): Fields {
  const refusal = (): Error => new UsageError(`config: ${place.path}: ${name} must be a block`, {code: 'BATON_CONFIG'})
  return mergeBlock(items(value), {path: place.path, refusal})
}
