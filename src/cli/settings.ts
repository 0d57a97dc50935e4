import {consulVariables, type Environment, parseGoBool} from '../config/environment.js'
import {readSettingsFile, type Settings} from '../config/files.js'
import {withoutSecrets} from '../config/secrets.js'
import {UsageError} from '../core/errors.js'
import {flagWords} from './argv.js'
import type {FlagShape} from './flag-words.js'

/** The origin of each setting's value: `flag`, the name of a variable, a file, or `default`. */
export type SettingSources = ReadonlyMap<string, string>

export interface LayeredArgv {
  /** The command's arguments with the values of lower layers added, so that one parser checks them all. */
  readonly argv: readonly string[]
  readonly sources: SettingSources
}

interface Layer {
  readonly source: string
  readonly value: unknown
}

/** Flags that control the command line itself and cannot be set otherwise. */
export const flagOnly = new Set(['config', 'print-config', 'help', 'version', 'json'])

/**
 * Applies the layers in order of precedence: flags, BATON_*, CONSUL_*, --config files (the last one first), defaults. A
 * setting without a flag is looked up in the lower layers and written as a flag before the given arguments.
 */
export async function layerSettings(options: {
  readonly command: string
  readonly argv: readonly string[]
  /** Flags that were switched off and are not in `argv`. */
  readonly off?: readonly string[]
  readonly flags: Readonly<Record<string, FlagShape>>
  readonly env: Environment
  /** @default JSON or YAML */
  readonly readFile?: (path: string) => Promise<Settings>
  /** Repeatable flags to whose values files add their own. */
  readonly added?: readonly string[]
}): Promise<LayeredArgv> {
  const {argv, flags, env, off = []} = options
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

/**
 * Reads files. Settings in a section with the command's name take precedence over those at the top of the same file.
 */
async function readFiles(options: Parameters<typeof layerSettings>[0]): Promise<ReadonlyMap<string, Layer>> {
  const {argv, flags, command, readFile = readSettingsFile, added = []} = options
  const paths = flagWords(argv).flatMap(word => (word.startsWith('--config=') ? [word.slice('--config='.length)] : []))
  const layers = new Map<string, Layer>()
  const section = command.replaceAll(' ', '-')
  for (const path of paths) {
    const {[section]: own, ...top} = await readFile(path)
    const settings: Settings = {...top, ...(typeof own === 'object' ? (own as Settings) : {})}
    for (const [key, value] of Object.entries(settings)) {
      const name = key.replaceAll('_', '-')
      if (Object.hasOwn(flags, name)) {
        const earlier = added.includes(name) ? layers.get(name)?.value : undefined
        layers.set(name, {source: path, value: earlier === undefined ? value : [earlier, value].flat()})
      } else if (typeof value !== 'object') await refuseUnknown(path, name, Object.keys(flags))
    }
  }
  return layers
}

async function refuseUnknown(path: string, name: string, known: readonly string[]): Promise<never> {
  const {closest} = await import('fastest-levenshtein')
  throw new UsageError(`config: ${path}: unknown setting '${name}'`, {
    code: 'BATON_CONFIG',
    hint: `did you mean '${closest(name, known)}'?`,
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
