import {resolve} from 'node:path'
import type {BlockValues} from '../../config/blocks.js'
import {waitText} from '../../config/template-file.js'
import {brief, briefPath} from '../../core/brief.js'
import {messageOf, UsageError} from '../../core/errors.js'
import {readInput} from '../../core/input.js'
import {parseDuration} from '../../core/time/duration.js'
import {decodeText} from '../../gotemplate/value/text.js'
import type {Quiet, TemplateCommand, TemplateSpec} from '../../template/types.js'
import {chooseEnv, type EnvRules} from './child-env.js'
import {idOf} from './owner.js'

/** Settings that all templates of a command share. */
export interface SpecDefaults {
  /** True if templates may lack a destination. */
  readonly isDry: boolean
  readonly errorOnMissingKey: boolean
  readonly leftDelimiter: string
  readonly rightDelimiter: string
  readonly isErrorFatal: boolean | undefined
  readonly check: string | undefined
  /** The environment of the commands that templates run. */
  readonly env: Readonly<Record<string, string>>
}

/** consul-template's time limit for a command. */
const commandTimeoutMs = 30_000

/**
 * Parses `IN[:OUT[:COMMAND]]` into the fields of a template block. The command is all of the text after the second
 * colon.
 */
export function parseWord(word: string): BlockValues {
  const [, source = '', destination = '', command = ''] = /^([^:]*)(?::([^:]*))?(?::([^]*))?$/.exec(word) ?? []
  if (source === '') throw new UsageError(`template ${brief(word)}: no file to read`, {hint: 'name it as IN:OUT'})
  return {
    source,
    ...(destination !== '' && {destination}),
    ...(command.trim() !== '' && {command}),
  }
}

/** Reads the templates that arguments and files define, including the texts of the templates. */
export async function readSpecs(blocks: readonly BlockValues[], defaults: SpecDefaults): Promise<TemplateSpec[]> {
  if (blocks.length === 0) {
    throw new UsageError('template: no template is given', {hint: 'name one as IN:OUT, or give a --config'})
  }
  const specs = await Promise.all(blocks.map(block => readSpec(block as Fields, defaults)))
  refuseSharedFiles(blocks)
  return specs
}

/**
 * Throws a UsageError if two templates write the same file, or if a template would overwrite the source of
 * another one.
 */
function refuseSharedFiles(blocks: readonly Fields[]): void {
  const sources = new Set(blocks.flatMap(({source}) => (source === undefined ? [] : [resolve(source)])))
  const written = new Set<string>()
  for (const {destination} of blocks) {
    if (destination === undefined) continue
    const path = resolve(destination)
    if (sources.has(path)) throw fault(`template: ${briefPath(destination)} is a template, and would be overwritten`)
    if (written.has(path)) throw fault(`template: two templates write ${briefPath(destination)}`)
    written.add(path)
  }
}

/** A `template` block, after its types were checked. */
interface Fields {
  readonly source?: string
  readonly contents?: string
  readonly destination?: string
  readonly command?: Words
  readonly check?: Words
  readonly command_timeout?: number
  readonly exec?: {
    readonly command?: Words
    readonly enabled?: boolean
    readonly timeout?: number
    readonly env?: EnvFields
  }
  readonly backup?: boolean
  readonly create_dest_dirs?: boolean
  readonly error_fatal?: boolean
  readonly error_on_missing_key?: boolean
  readonly function_blacklist?: readonly string[]
  readonly function_denylist?: readonly string[]
  readonly left_delimiter?: string
  readonly right_delimiter?: string
  readonly perms?: number
  readonly sandbox_path?: string
  readonly user?: string
  readonly group?: string
  readonly uid?: number
  readonly gid?: number
  readonly wait?: unknown
}

type Words = string | readonly string[]

/** An `env` block. */
export interface EnvFields {
  readonly pristine?: boolean
  readonly custom?: readonly string[]
  readonly allowlist?: readonly string[]
  readonly denylist?: readonly string[]
  readonly whitelist?: readonly string[]
  readonly blacklist?: readonly string[]
}

/** Returns the rules of an `env` block, whose fields may also have their old names, such as `whitelist`. */
export const toEnvRules = (env: EnvFields = {}): EnvRules => ({
  pristine: env.pristine,
  custom: env.custom,
  allow: [...(env.allowlist ?? []), ...(env.whitelist ?? [])],
  deny: [...(env.denylist ?? []), ...(env.blacklist ?? [])],
})

async function readSpec(block: Fields, defaults: SpecDefaults): Promise<TemplateSpec> {
  const {source, contents, destination} = block
  const name = source ?? destination ?? '(contents)'
  if ((source === undefined) === (contents === undefined)) {
    throw fault(`template ${name}: ${source === undefined ? 'neither' : 'both'} source and contents are given`)
  }
  if (destination === undefined && !defaults.isDry) {
    throw new UsageError(`template ${briefPath(name)}: no file to write`, {hint: 'name it as IN:OUT, or use --dry'})
  }
  const quiet = toQuiet(block.wait === undefined ? undefined : waitText(block.wait, {path: name}), `template ${name}`)
  const {command, check} = toCommands(block, name, defaults)
  const isErrorFatal = block.error_fatal ?? defaults.isErrorFatal
  return {
    name,
    text: decodeText(contents === undefined ? await readSource(source ?? '') : Buffer.from(contents)),
    ...(destination !== undefined && {destination}),
    ...(command && {command}),
    ...(check && {check}),
    ...(quiet && {quiet}),
    ...(isErrorFatal !== undefined && {isErrorFatal}),
    ...toSyntax(block, defaults),
    ...toWriting(block, name),
    ...(block.exec?.env && {env: chooseEnv(defaults.env, toEnvRules(block.exec.env))}),
  }
}

function toSyntax(block: Fields, defaults: SpecDefaults): Partial<TemplateSpec> {
  return {
    leftDelimiter: block.left_delimiter ?? defaults.leftDelimiter,
    rightDelimiter: block.right_delimiter ?? defaults.rightDelimiter,
    errorOnMissingKey: block.error_on_missing_key ?? defaults.errorOnMissingKey,
    deniedFunctions: [...(block.function_denylist ?? []), ...(block.function_blacklist ?? [])],
    ...(block.sandbox_path !== undefined && {sandbox: block.sandbox_path}),
  }
}

function toWriting(block: Fields, name: string): Partial<TemplateSpec> {
  const uid = block.uid ?? (block.user === undefined ? undefined : idOf('user', block.user, `template ${name}: user`))
  const gid =
    block.gid ?? (block.group === undefined ? undefined : idOf('group', block.group, `template ${name}: group`))
  return {
    ...(block.perms !== undefined && block.perms !== 0 && {mode: block.perms}),
    ...(block.backup !== undefined && {backup: block.backup}),
    ...(block.create_dest_dirs !== undefined && {createFolders: block.create_dest_dirs}),
    owner: {...(uid !== undefined && uid >= 0 && {uid}), ...(gid !== undefined && gid >= 0 && {gid})},
  }
}

function toCommands(
  block: Fields,
  name: string,
  {env, check}: SpecDefaults,
): {readonly command: TemplateCommand | undefined; readonly check: TemplateCommand | undefined} {
  const {exec = {}} = block
  if (block.command !== undefined && exec.command !== undefined) {
    throw fault(`template ${name}: command and exec.command are both given`)
  }
  const given = exec.enabled === false ? block.command : (exec.command ?? block.command)
  const shared = {
    env: chooseEnv(env, toEnvRules(exec.env)),
    timeoutMs: exec.timeout ?? block.command_timeout ?? commandTimeoutMs,
  }
  const checked = block.check ?? check
  return {
    command: isEmpty(given) ? undefined : {...shared, argv: toArgv(given), text: toText(given)},
    check: isEmpty(checked) ? undefined : {...shared, argv: toArgv(checked), text: toText(checked)},
  }
}

const isEmpty = (words: Words | undefined): words is undefined => words === undefined || toText(words).trim() === ''

const toText = (words: Words): string => (typeof words === 'string' ? words : words.join(' '))

/**
 * Returns the command line to execute. A single string is run by a shell, a list is run directly.
 */
export function toArgv(words: Words): [string, ...string[]] {
  const [first = '', ...rest] = typeof words === 'string' ? [words] : words
  return rest.length === 0 ? ['/bin/sh', '-c', first] : [first, ...rest]
}

async function readSource(path: string): Promise<Uint8Array> {
  try {
    return await readInput(path)
  } catch (error) {
    const {code = ''} = error as NodeJS.ErrnoException
    const why = {ENOENT: 'no such file', EISDIR: 'it is a directory', EACCES: 'permission denied'}[code]
    throw new UsageError(`template ${briefPath(path)}: ${why ?? messageOf(error)}`, {
      code: 'BATON_CONFIG',
      cause: error,
    })
  }
}

const fault = (text: string): UsageError => new UsageError(text, {code: 'BATON_CONFIG'})

/** Parses `MIN` or `MIN:MAX`. */
export function toQuiet(text: string | undefined, what = '--wait'): Quiet | undefined {
  if (text === undefined) return undefined
  const [min = '', max, ...rest] = text.split(':')
  const minMs = parseWait(min, what)
  if (rest.length > 0) {
    throw new UsageError(`${what}: '${brief(text)}' is not MIN[:MAX]`, {hint: 'write it like 5s or 5s:20s'})
  }
  if (minMs === 0 && max === undefined) return undefined
  if (max === undefined) return {minMs}
  const maxMs = parseWait(max, what)
  if (maxMs < minMs) throw new UsageError(`${what}: ${max} is shorter than ${min}`)
  return {minMs, maxMs}
}

function parseWait(text: string, what: string): number {
  const ms = parseDuration(text, what)
  if (ms < 0) throw new UsageError(`${what}: '${brief(text)}' is negative`)
  return ms
}
