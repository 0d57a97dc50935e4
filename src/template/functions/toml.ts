import {formatFloat} from '../../gotemplate/format/float.js'
import {compareText} from '../../gotemplate/value/text.js'
import {type Argument, type GoValue, isSigned, isUnsigned} from '../../gotemplate/value/types.js'
import {elementsOf, entriesOf, GoError, isNil, stored} from '../../gotemplate/value/values.js'

/**
 * Writes a value as the Go package BurntSushi/toml does, with sorted keys and with tables after
 * values.
 */
export function writeToml(value: Argument): string {
  const root = settle(value)
  if (root === undefined || !isTable(root)) {
    throw new GoError('toTOML: toml: top-level values must be Go maps or structs')
  }
  const lines: string[] = []
  writeTable(membersOf(root), [], lines)
  return lines.join('\n')
}

function settle(given: Argument): Argument {
  let value = stored(given)
  while (value?.type.kind === 'pointer') value = stored(value.data as GoValue)
  return value
}

const isTable = (value: Argument): boolean => value?.type.kind === 'map' || value?.type.kind === 'struct'
const isList = (value: Argument): boolean => value?.type.kind === 'slice' || value?.type.kind === 'array'
const isTables = (value: Argument): value is GoValue =>
  value !== undefined &&
  isList(value) &&
  elementsOf(value).length > 0 &&
  elementsOf(value).every(one => isTable(settle(one)))

type Members = readonly (readonly [string, GoValue])[]

function membersOf(value: GoValue): Members {
  const entries: (readonly [string, Argument])[] =
    value.type.kind === 'struct'
      ? (value.type.fields ?? []).map((field, i) => [field.name, (value.data as readonly Argument[])[i]])
      : [...entriesOf(value).values()].map(entry => [String(entry.key.data), entry.value])
  if (value.type.kind === 'map') entries.sort(([a], [b]) => compareText(a, b))
  return entries.flatMap(([name, held]) => {
    const settled = settle(held)
    return settled === undefined || isNil(settled) ? [] : [[name, settled] as const]
  })
}

function writeTable(members: Members, path: readonly string[], lines: string[]): void {
  const indent = '  '.repeat(Math.max(0, path.length - 1))
  const inner = path.length === 0 ? '' : `${indent}  `
  if (path.length > 0) {
    // An empty line precedes each top-level table, except at the start.
    if (path.length === 1 && lines.length > 0) lines.push('')
    lines.push(`${indent}[${path.map(keyText).join('.')}]`)
  }
  const isDirect = ([, value]: readonly [string, GoValue]): boolean => !isTable(value) && !isTables(value)
  for (const [name, value] of members.filter(isDirect)) lines.push(`${inner}${keyText(name)} = ${valueText(value)}`)
  for (const [name, value] of members.filter(member => !isDirect(member))) {
    if (isTable(value)) writeTable(membersOf(value), [...path, name], lines)
    else writeTables(value, [...path, name], lines)
  }
}

function writeTables(list: GoValue, path: readonly string[], lines: string[]): void {
  const indent = '  '.repeat(path.length - 1)
  for (const element of elementsOf(list)) {
    const table = settle(element)
    if (table === undefined) continue
    if (lines.length > 0) lines.push('')
    const own: string[] = []
    writeTable(membersOf(table), path, own)
    const [, ...rest] = own[0] === '' ? own.slice(1) : own
    lines.push(`${indent}[[${path.map(keyText).join('.')}]]`, ...rest)
  }
}

const keyText = (name: string): string => (/^[A-Za-z0-9_-]+$/.test(name) ? name : textText(name))

function valueText(value: Argument): string {
  if (value === undefined) throw new GoError('toTOML: toml: cannot encode array with nil element')
  const {kind} = value.type
  if (kind === 'string') return textText(value.data as string)
  if (kind === 'bool' || isSigned(kind) || isUnsigned(kind)) return String(value.data)
  if (kind === 'float64' || kind === 'float32') return floatText(value.data as number)
  if (isList(value))
    return `[${elementsOf(value)
      .map(one => valueText(settle(one)))
      .join(', ')}]`
  if (isTable(value))
    return `{${membersOf(value)
      .map(([name, held]) => `${keyText(name)} = ${valueText(held)}`)
      .join(', ')}}`
  throw new GoError(`toTOML: toml: unsupported type: ${value.type.text}`)
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? '+inf' : '-inf'
  const text = formatFloat(value, 'f', -1)
  return text.includes('.') ? text : `${text}.0`
}

const escapes: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
}

function textText(text: string): string {
  const escaped = Array.from(text, character => {
    const code = character.codePointAt(0) ?? 0
    if (escapes[character] !== undefined) return escapes[character]
    return code < 0x20 || code === 0x7f ? `\\u${code.toString(16).padStart(4, '0')}` : character
  })
  return `"${escaped.join('')}"`
}
