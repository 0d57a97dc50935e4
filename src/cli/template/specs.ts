import {readFile} from 'node:fs/promises'
import {constants} from 'node:os'
import {messageOf, UsageError} from '../../core/errors.js'
import {parseDuration} from '../../core/time/duration.js'
import {decodeText} from '../../gotemplate/value/text.js'
import type {TemplateSpec} from '../../template/run.js'

/** What all templates of a command have in common. */
export interface SpecDefaults {
  /** True if templates need no destination. */
  readonly isDry: boolean
  readonly errorOnMissingKey: boolean
}

/** Reads `IN:OUT[:COMMAND]` and the files that they name. The command is all behind the second colon. */
export async function readSpecs(words: readonly string[], defaults: SpecDefaults): Promise<TemplateSpec[]> {
  if (words.length === 0) throw new UsageError('template: no template is given', {hint: 'name one as IN:OUT'})
  return Promise.all(words.map(word => readSpec(word, defaults)))
}

async function readSpec(word: string, {isDry, errorOnMissingKey}: SpecDefaults): Promise<TemplateSpec> {
  const [, source = '', destination = '', command = ''] = /^([^:]*)(?::([^:]*))?(?::([^]*))?$/.exec(word) ?? []
  if (source === '') throw new UsageError(`template ${word}: no file to read`, {hint: 'name it as IN:OUT'})
  if (destination === '' && !isDry) {
    throw new UsageError(`template ${source}: no file to write`, {hint: `name it as ${source}:OUT, or use --dry`})
  }
  return {
    name: source,
    text: decodeText(await readSource(source)),
    ...(destination !== '' && {destination}),
    ...(command.trim() !== '' && {command}),
    errorOnMissingKey,
  }
}

async function readSource(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : messageOf(error)
    throw new UsageError(`template ${path}: ${why}`, {code: 'BATON_CONFIG', cause: error})
  }
}

/** Reads `MIN` or `MIN:MAX`. */
export function toQuiet(text: string | undefined): {readonly minMs: number; readonly maxMs?: number} | undefined {
  if (text === undefined) return undefined
  const [min = '', max] = text.split(':')
  const minMs = parseWait(min)
  if (max === undefined) return {minMs}
  const maxMs = parseWait(max)
  if (maxMs < minMs) throw new UsageError(`--wait: ${max} is shorter than ${min}`)
  return {minMs, maxMs}
}

function parseWait(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    throw new UsageError(`--wait: ${messageOf(error)}`, {cause: error})
  }
}

/** The signal of a name such as `HUP` or `SIGHUP`. */
export function signalNamed(text: string | undefined): NodeJS.Signals | undefined {
  if (text === undefined) return undefined
  const name = `SIG${text.toUpperCase().replace(/^SIG/, '')}`
  if (!Object.hasOwn(constants.signals, name)) throw new UsageError(`--reload-signal: unknown signal '${text}'`)
  return name as NodeJS.Signals
}
