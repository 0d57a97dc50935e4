import {UsageError} from '../core/errors.js'
import {parseDuration} from '../core/time/duration.js'
import {mergeBlock} from './merge-block.js'
import {unknownSetting} from './unknown-setting.js'

/**
 * The type of a setting. `duration` is converted to milliseconds. `strings` is a list, which may also be written as a
 * text with commas. `mode` is `0644`, which HCL reads as a number, or `"0644"`. `command` is a text or a list of words.
 * `rest` accepts anything.
 */
export type Kind = 'string' | 'boolean' | 'number' | 'duration' | 'strings' | 'command' | 'mode' | 'rest'

/** A block of settings. */
export interface Block {
  readonly fields: Schema
  /** The type of a plain value that may be given instead of the block: `wait = "5s:10s"`. */
  readonly short?: Kind
  /**
   * True if the block may be given several times, in which case its value is a list.
   * @default false, later blocks add to earlier ones
   */
  readonly isRepeatable?: true
}

/** The settings of a file or block, by name. */
export type Schema = Readonly<Record<string, Kind | Block>>

/** The values that were read, by name. The value of a nested block is an object. */
export type BlockValues = Readonly<Record<string, unknown>>

/** The file from which settings are read, and the function that receives warnings about them. */
export interface BlockPlace {
  readonly path: string
  readonly warn: (text: string) => void
}

/**
 * Reads settings by a schema. At any depth, throws a UsageError for a wrong type or an unknown name, and suggests the
 * nearest known name.
 */
export function readBlock(value: unknown, schema: Schema, place: BlockPlace, name = ''): BlockValues {
  const read: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(mergeParts(value, place, name))) {
    const full = name === '' ? key : `${name}.${key}`
    const rule = Object.hasOwn(schema, key) ? schema[key] : undefined
    if (rule === undefined) throw unknownSetting(place.path, full, Object.keys(schema))
    read[key] = typeof rule === 'string' ? convert(field, rule, place, full) : readInner(field, rule, place, full)
  }
  return read
}

function readInner(value: unknown, rule: Block, place: BlockPlace, name: string): unknown {
  if (rule.short !== undefined && typeof value !== 'object') return convert(value, rule.short, place, name)
  if (rule.isRepeatable !== true) return readBlock(value, rule.fields, place, name)
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value]
  return parts.map(part => readBlock(part, rule.fields, place, name))
}

function convert(value: unknown, kind: Kind, place: BlockPlace, name: string): unknown {
  const isText = typeof value === 'string'
  switch (kind) {
    case 'rest':
      return value
    case 'duration':
      return toMilliseconds(value, place, name)
    case 'strings':
      if (isText) return value.split(',')
      if (isTexts(value)) return value
      throw wrong(place, name, 'a list of strings')
    case 'command':
      if ((isText && value !== '') || (isTexts(value) && value.length > 0)) return value
      throw wrong(place, name, 'a command or a list of its words')
    case 'mode':
      return toMode(value, place, name)
    default:
      // All other kinds have the name of the JavaScript type that they require.
      if (typeof value === kind) return value
      throw wrong(place, name, `a ${kind}`)
  }
}

function toMilliseconds(value: unknown, place: BlockPlace, name: string): number {
  if (typeof value === 'number') {
    if (value !== 0) {
      place.warn(`${place.path}: ${name} = ${value} means ${value} nanoseconds: write a unit, like "${value}s"`)
    }
    return value / 1e6
  }
  if (typeof value !== 'string') throw wrong(place, name, 'a duration like "5s"')
  return parseDuration(value, `config: ${place.path}: ${name}`)
}

function toMode(value: unknown, place: BlockPlace, name: string): number {
  const mode = typeof value === 'string' && /^[0-7]+$/.test(value) ? Number.parseInt(value, 8) : value
  if (typeof mode === 'number' && Number.isInteger(mode) && mode >= 0 && mode <= 0o7777) return mode
  throw wrong(place, name, 'a mode like "0644"')
}

/** Returns the settings of a block, which HCL may give in several parts. */
function mergeParts(value: unknown, place: BlockPlace, name: string): Readonly<Record<string, unknown>> {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value]
  return mergeBlock(parts, {path: place.path, refusal: () => wrong(place, name === '' ? 'the file' : name, 'a block')})
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(each => typeof each === 'string')

const wrong = ({path}: BlockPlace, name: string, wanted: string): UsageError =>
  new UsageError(`config: ${path}: ${name} must be ${wanted}`, {code: 'BATON_CONFIG'})
