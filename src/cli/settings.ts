import {consulVariables, type Environment, parseGoBool} from '../config/environment.js'
import {readSettingsFile, type Settings} from '../config/files.js'
import {withoutSecrets} from '../config/secrets.js'
import {brief} from '../core/brief.js'
import {isBatonError, UsageError} from '../core/errors.js'
import {flagWords} from './argv.js'
import type {FlagShape} from './flag-words.js'

/** The origin of each setting's value: `flag`, the name of a variable, the path of a file, or `default`. */
export type SettingSources = ReadonlyMap<string, string>

export interface LayeredArgv {
  /** The command's arguments and the values of lower layers, combined so that one parser checks them all. */
  readonly argv: readonly string[]
  readonly sources: SettingSources
}

interface Layer {
  readonly source: string
  readonly value: unknown
}

/** Flags that control the command line itself and cannot be set in any other way. */
export const flagOnly = new Set(['config', 'print-config', 'help', 'version', 'json'])

/**
 * Applies the layers in order of precedence: flags, BATON_*, CONSUL_*, --config files (the last one first), defaults.
 * If a setting's flag is not given, the setting is looked up in the lower layers and written as a flag before the given
 * arguments.
 */
export async function layerSettings(options: {
  readonly command: string
  readonly argv: readonly string[]
  /** Flags that were switched off and are not in `argv`. */
  readonly off?: readonly string[]
  readonly flags: Readonly<Record<string, FlagShape>>
  readonly env: Environment
  /** Reads a file of settings. @default JSON or YAML */
  readonly readFile?: (path: string) => Promise<Settings>
  /** Repeatable flags whose values in files are added to those from higher layers. */
  readonly added?: readonly string[]
  /** Names that sections of a file may have, which are the names of all commands. */
  readonly sections?: readonly string[]
  /** Whether a setting may be empty. @default always */
  readonly canBeEmpty?: (name: string) => boolean
  /** Whether a flag with an empty value counts as not given, as in Consul's tools. @default never */
  readonly isUnsetByEmpty?: (name: string) => boolean
}): Promise<LayeredArgv> {
  const {flags, env, off = []} = options
  const argv = withoutUnset(options)
  const typed = flagWords(argv).flatMap(word => /^--([^=]+)/.exec(word)?.[1] ?? [])
  const given = new Set([...typed, ...off])
  const files = await readFiles(options)
  const sources = new Map<string, string>()
  const added: string[] = []
  for (const name of options.added ?? []) {
    const [flag, layer] = [flags[name], files.get(name)]
    if (!flag || !layer) continue
    if (given.has(name) || fromEnvironment(name, env)) added.push(...toWords(name, flag, layer))
  }
  for (const [name, flag] of Object.entries(flags)) {
    if (given.has(name) || given.has(`no-${name}`)) {
      sources.set(name, 'flag')
      continue
    }
    if (flagOnly.has(name)) continue
    const layer = fromEnvironment(name, env) ?? files.get(name)
    if (!layer) continue
    sources.set(name, layer.source)
    added.push(...toWords(name, flag, layer))
  }
  return {argv: [...added, ...argv], sources}
}

/** Removes from the arguments the flags that count as not given. */
function withoutUnset({argv, isUnsetByEmpty = () => false}: Parameters<typeof layerSettings>[0]): readonly string[] {
  const words = flagWords(argv)
  const isKept = (word: string): boolean => !(word.endsWith('=') && isUnsetByEmpty(word.slice(2, -1)))
  return [...words.filter(isKept), ...argv.slice(words.length)]
}

const consulVariableOf = new Map(Object.entries(consulVariables).map(([variable, name]) => [name as string, variable]))

function fromEnvironment(name: string, env: Environment): Layer | undefined {
  const own = `BATON_${name.toUpperCase().replaceAll('-', '_')}`
  for (const variable of [own, consulVariableOf.get(name)]) {
    const value = variable === undefined ? undefined : env[variable]
    if (variable !== undefined && value !== undefined && value !== '') return {source: variable, value}
  }
  return undefined
}

function toWords(name: string, flag: FlagShape, layer: Layer): string[] {
  const {value, source} = layer
  if (flag.type === 'boolean') {
    const on = typeof value === 'boolean' ? value : parseGoBool(String(value), source)
    if (on) return [`--${name}`]
    return flag.allowNo === true ? [`--no-${name}`] : []
  }
  const values: unknown[] = Array.isArray(value) ? value : [value]
  return values.map(one => {
    if (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean') return `--${name}=${one}`
    throw new UsageError(`${source}: ${name} must be a plain value`, {code: 'BATON_CONFIG'})
  })
}

/** Reads files. In each file, settings in the section with the command's name take precedence over those at the top. */
async function readFiles(options: Parameters<typeof layerSettings>[0]): Promise<ReadonlyMap<string, Layer>> {
  const {argv, flags, command, readFile = readSettingsFile, added = []} = options
  const paths = flagWords(argv).flatMap(word => (word.startsWith('--config=') ? [word.slice('--config='.length)] : []))
  if (paths.includes(''))
    throw new UsageError('--config: the value is empty', {hint: 'leave the flag out, or name a file'})
  const layers = new Map<string, Layer>()
  const section = command.replaceAll(' ', '-')
  for (const path of paths) {
    const {own, top} = withoutSections(await readFile(path), {...options, section, path})
    const known = new Map([...top, ...own].map(([key, value]) => [key.replaceAll('_', '-'), value]))
    for (const [name, value] of known) {
      const flag = Object.hasOwn(flags, name) && !flagOnly.has(name) ? flags[name] : undefined
      if (!flag) await refuseUnknown(path, name, options)
      else checkType(path, name, {flag, value, canBeEmpty: options.canBeEmpty?.(name) ?? true})
      const earlier = added.includes(name) ? layers.get(name)?.value : undefined
      layers.set(name, {source: path, value: earlier === undefined ? value : [earlier, value].flat()})
    }
  }
  return layers
}

/** Removes the sections of other commands from the settings of a file. */
function withoutSections(
  settings: Settings,
  file: {
    readonly section: string
    readonly path: string
    readonly flags: Readonly<Record<string, FlagShape>>
    readonly sections?: readonly string[]
  },
): {readonly own: readonly [string, unknown][]; readonly top: readonly [string, unknown][]} {
  const {section, path, flags, sections = []} = file
  const own = settings[section]
  const isBlock = (value: unknown): value is Settings =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const top = Object.entries(settings).filter(([name, value]) => {
    if (name !== section && !sections.includes(name)) return true
    if (isBlock(value)) return false
    // Some commands have the same name as a flag. Under such a name, a plain value sets the flag.
    if (!Object.hasOwn(flags, name)) throw badSetting(path, name, 'must hold the settings of the command')
    return true
  })
  return {own: isBlock(own) ? Object.entries(own) : [], top}
}

/** Throws unless the flag can have this value: a single plain value or, if the flag is repeatable, a list of them. */
function checkType(
  path: string,
  name: string,
  {flag, value, canBeEmpty}: {readonly flag: FlagShape; readonly value: unknown; readonly canBeEmpty: boolean},
): void {
  if (Array.isArray(value) && flag.multiple !== true) throw badSetting(path, name, 'takes one value, not a list')
  for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (one === null || one === undefined || (one === '' && !canBeEmpty)) throw badSetting(path, name, 'is empty')
    if (typeof one === 'object') throw badSetting(path, name, 'must be a plain value')
    if (flag.type === 'boolean' && typeof one === 'number') throw badSetting(path, name, 'must be true or false')
    if (flag.type === 'boolean' && typeof one === 'string') parseGoBool(one, `config: ${path}: ${name}`)
    if (flag.type !== 'boolean' && typeof one === 'boolean') throw badSetting(path, name, `must not be ${one}`)
  }
}

const badSetting = (path: string, name: string, reason: string): UsageError =>
  new UsageError(`config: ${path}: ${brief(name)} ${reason}`, {code: 'BATON_CONFIG'})

async function refuseUnknown(
  path: string,
  name: string,
  {flags, sections = []}: {readonly flags: Readonly<Record<string, FlagShape>>; readonly sections?: readonly string[]},
): Promise<never> {
  const {unknownSetting} = await import('../config/unknown-setting.js')
  const names = Object.keys(flags).filter(one => !flagOnly.has(one))
  throw unknownSetting(path, brief(name), [...names, ...sections])
}

/**
 * For an error about the value of a flag that was not given as a flag, returns an error that names the file or variable
 * with the value. Returns any other error unchanged.
 */
export function withOrigin(error: unknown, sources: SettingSources): unknown {
  if (!isBatonError(error, 'BATON_USAGE') && !isBatonError(error, 'BATON_CONFIG')) return error
  const {message, hint} = error
  const [, name = '', fault = ''] = /^--([a-z-]+): (.*)$/s.exec(message) ?? []
  const source = sources.get(name)
  if (source === undefined || source === 'flag') return error
  const isVariable = /^[A-Z0-9_]+$/.test(source)
  const subject = isVariable ? source : `config: ${source}: ${name}`
  return new UsageError(`${subject}: ${fault}`, {
    code: isVariable && isBatonError(error, 'BATON_USAGE') ? 'BATON_USAGE' : 'BATON_CONFIG',
    ...(hint !== undefined && {hint}),
    cause: error,
  })
}

/** Returns every setting with its value and source. Secrets are named, but their values are not shown. */
export function describeSettings(
  flags: Readonly<Record<string, FlagShape>>,
  values: Readonly<Record<string, unknown>>,
  sources: SettingSources,
): Record<string, {value: unknown; source: string}> {
  const shown: Record<string, {value: unknown; source: string}> = {}
  for (const [name, flag] of Object.entries(flags)) {
    if (flagOnly.has(name)) continue
    const value = values[name] ?? (flag.type === 'boolean' ? false : null)
    shown[name] = {value: withoutSecrets(name, value), source: sources.get(name) ?? 'default'}
  }
  return shown
}
