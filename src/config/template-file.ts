import {UsageError} from '../core/errors.js'
import {type BlockPlace, type BlockValues, readBlock} from './blocks.js'
import {filesUnder, readConfigFile} from './config-files.js'
import type {Settings} from './files.js'
import {templateSchema} from './template-schema.js'
import {unknownSetting} from './unknown-setting.js'

/** The content of one or more configuration files about templates. */
export interface TemplateFile {
  /** Settings by flag name. */
  readonly settings: Settings
  /** The `template` blocks, in order. */
  readonly templates: readonly BlockValues[]
  /** The `exec` block. */
  readonly exec: BlockValues
  readonly warnings: readonly string[]
}

/**
 * Reads consul-template's configuration in HCL, JSON or YAML. Reads one file, or all files of a folder in the order of
 * their names. Templates are joined; of every other setting, the last value is used.
 */
export async function readTemplateConfig(path: string, flagNames: readonly string[]): Promise<TemplateFile> {
  const settings: Record<string, unknown> = {}
  const templates: BlockValues[] = []
  let exec: BlockValues = {}
  const warnings: string[] = []
  for (const file of filesUnder(path)) {
    const part = toTemplateFile(await readConfigFile(file), file, flagNames)
    Object.assign(settings, part.settings)
    templates.push(...part.templates)
    exec = {...exec, ...part.exec}
    warnings.push(...part.warnings)
  }
  return {settings, templates, exec, warnings}
}

/** Converts the content of one file to settings. */
export function toTemplateFile(content: unknown, path: string, flagNames: readonly string[]): TemplateFile {
  const warnings: string[] = []
  const place: BlockPlace = {path, warn: text => warnings.push(text)}
  const {own, rest} = splitOwn(content, path, flagNames)
  const values = readBlock(rest, templateSchema, place)
  const translator = new Translator(place)
  translator.read(values)
  return {
    settings: {...translator.settings, ...own},
    templates: (values['template'] ?? []) as readonly BlockValues[],
    exec: (values['exec'] ?? {}) as BlockValues,
    warnings,
  }
}

/** Separates baton's own settings, whose names are those of the flags, from those of consul-template. */
function splitOwn(
  content: unknown,
  path: string,
  flagNames: readonly string[],
): {readonly own: Readonly<Record<string, unknown>>; readonly rest: unknown} {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return {own: {}, rest: content}
  const own: Record<string, unknown> = {}
  const rest: Record<string, unknown> = {}
  const known = flagNames.map(name => name.replaceAll('-', '_'))
  for (const [name, value] of Object.entries(content)) {
    const lower = name.toLowerCase().replaceAll('-', '_')
    if (Object.hasOwn(templateSchema, name.toLowerCase())) rest[name] = value
    else if (known.includes(lower)) own[lower.replaceAll('_', '-')] = value
    else throw unknownSetting(path, name, [...Object.keys(templateSchema), ...known])
  }
  return {own, rest}
}

const plain: Readonly<Record<string, string>> = {
  kill_signal: 'kill-signal',
  log_level: 'log-level',
  pid_file: 'pid-file',
  reload_signal: 'reload-signal',
  template_error_fatal: 'template-error-fatal',
  token: 'token',
}

const withoutEffect: Readonly<Record<string, string>> = {
  block_query_wait: 'no effect',
  err_on_failed_lookup: 'no effect: what cannot be looked up is named and waited for',
  log_file: 'no effect: the log goes to stderr',
  nomad: 'no effect: Nomad is not supported',
  vault: 'no effect: Vault is not supported',
}

const sslFlags: Readonly<Record<string, string>> = {
  enabled: 'consul-ssl',
  verify: 'consul-ssl-verify',
  ca_cert: 'ca-file',
  ca_path: 'ca-path',
  cert: 'client-cert',
  key: 'client-key',
  server_name: 'tls-server-name',
}

class Translator {
  readonly settings: Record<string, unknown> = {}
  readonly #place: BlockPlace

  constructor(place: BlockPlace) {
    this.#place = place
  }

  read(values: BlockValues): void {
    for (const [name, value] of Object.entries(values)) {
      const flag = plain[name]
      const reason = withoutEffect[name]
      if (flag !== undefined) this.settings[flag] = value
      else if (reason !== undefined) this.#place.warn(`${this.#place.path}: ${name}: ${reason}`)
      if (['auth', 'ssl', 'token'].includes(name)) this.#deprecated(name)
    }
    const {consul, wait, deduplicate, syslog, default_delimiters: delimiters, max_stale: maxStale} = values
    if (typeof maxStale === 'number') this.settings['max-stale'] = `${maxStale}ms`
    if (typeof consul === 'string') {
      this.#deprecated('consul = "address"')
      this.settings['http-addr'] = consul
    }
    this.#readConnection(values, '')
    if (typeof consul === 'object') this.#readConnection(consul as BlockValues, 'consul.')
    this.#readWait(wait)
    this.#readDelimiters((delimiters ?? {}) as BlockValues)
    if (isOn(deduplicate)) this.#place.warn(`${this.#place.path}: deduplicate: no effect: baton shares queries itself`)
    if (isOn(syslog)) this.#place.warn(`${this.#place.path}: syslog: no effect: the log goes to stderr`)
  }

  #readConnection(values: BlockValues, prefix: string): void {
    const {address, token, token_file: file, namespace, auth, ssl, transport, retry} = values
    const given = {'http-addr': address, token, 'token-file': file, namespace}
    for (const [flag, value] of Object.entries(given)) if (value !== undefined) this.settings[flag] = value
    const {path, warn} = this.#place
    if (transport !== undefined) warn(`${path}: ${prefix}transport: no effect`)
    if (retry !== undefined) warn(`${path}: ${prefix}retry: no effect: the number of attempts is not limited`)
    if (typeof auth === 'string') this.settings['consul-auth'] = auth
    else if (typeof auth === 'object') {
      const {enabled, username = '', password} = auth as BlockValues
      if (enabled !== false && (username !== '' || password !== undefined)) {
        this.settings['consul-auth'] = [username, ...(password === undefined ? [] : [password])].join(':')
      }
    }
    for (const [name, value] of Object.entries((ssl ?? {}) as BlockValues)) this.settings[sslFlags[name] ?? ''] = value
  }

  #readWait(wait: unknown): void {
    if (wait === undefined) return
    const text = waitText(wait, this.#place)
    if (text !== undefined) this.settings['wait'] = text
  }

  #readDelimiters({left, right}: BlockValues): void {
    if (left !== undefined) this.settings['default-left-delimiter'] = left
    if (right !== undefined) this.settings['default-right-delimiter'] = right
  }

  #deprecated(name: string): void {
    this.#place.warn(`${this.#place.path}: ${name} is deprecated, use the consul block`)
  }
}

/**
 * Returns the value of a `wait` setting in the form of its flag: `MIN` or `MIN:MAX`. Returns undefined if the setting
 * is turned off.
 */
export function waitText(wait: unknown, {path}: {readonly path: string}): string | undefined {
  if (typeof wait === 'string') return wait
  const {enabled, min, max} = wait as {enabled?: boolean; min?: number; max?: number}
  if (enabled === false) return undefined
  if (min === undefined) {
    if (max === undefined) return undefined
    throw new UsageError(`config: ${path}: wait.min must be given beside wait.max`, {code: 'BATON_CONFIG'})
  }
  return max === undefined ? `${min}ms` : `${min}ms:${max}ms`
}

const isOn = (block: unknown): boolean => block !== undefined && (block as BlockValues)['enabled'] !== false
