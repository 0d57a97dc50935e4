import {formatFloat} from '../../gotemplate/format/float.js'
import {isPrintable} from '../../gotemplate/value/text.js'
import {type Argument, type GoValue, isSigned, isUnsigned} from '../../gotemplate/value/types.js'
import {bytesOf, elementsOf, GoError, isNil, sortedEntries, stored} from '../../gotemplate/value/values.js'

/**
 * Writes a value as YAML in the form of version 2 of Go's yaml package, which consul-template uses: keys in natural
 * order, lists indented like their key, and quotes only around strings that would otherwise be read as another type.
 */
export function writeYaml(value: Argument): string {
  return block(stored(value), 0).replace(/^\n/, '')
}

/** Returns the text after a key or a dash: a scalar follows a space, while a map or list starts on a new line. */
function block(value: Argument, indent: number): string {
  if (value === undefined || (value.type.kind !== 'slice' && value.type.kind !== 'map' && isNil(value))) return 'null'
  const {kind} = value.type
  if (kind === 'pointer') return block(value.data as GoValue, indent)
  if (kind === 'map') return members(mapMembers(value), indent)
  if (kind === 'struct') return members(structMembers(value), indent)
  if (kind === 'slice' || kind === 'array') return list(value, indent)
  return scalar(value, indent)
}

function mapMembers(value: GoValue): [string, Argument][] {
  return sortedEntries(value)
    .map((entry): [GoValue, Argument] => [entry.key, stored(entry.value)])
    .sort(([a], [b]) => naturally(a, b))
    .map(([key, held]) => [scalar(key, 0), held])
}

function structMembers(value: GoValue): [string, Argument][] {
  const held = value.data as readonly Argument[]
  return (value.type.fields ?? []).map((field, i) => [field.name.toLowerCase(), stored(held[i])])
}

function members(entries: readonly (readonly [string, Argument])[], indent: number): string {
  if (entries.length === 0) return '{}'
  const lines = entries.map(([name, held]) => {
    const isList = held?.type.kind === 'slice' || held?.type.kind === 'array'
    const text = block(held, isList ? indent : indent + 2)
    return `\n${' '.repeat(indent)}${name}:${text.startsWith('\n') ? text : ` ${text}`}`
  })
  return lines.join('')
}

function list(value: GoValue, indent: number): string {
  if (value.type.elem?.kind === 'uint8') return `!!binary ${Buffer.from(bytesOf(value)).toString('base64')}`
  if (elementsOf(value).length === 0) return '[]'
  const lines = elementsOf(value).map(element => {
    const text = block(stored(element), indent + 2)
    // The first line of a nested block follows the dash.
    return `\n${' '.repeat(indent)}- ${text.startsWith('\n') ? text.slice(1 + indent + 2) : text}`
  })
  return lines.join('')
}

function scalar(value: GoValue, indent: number): string {
  const {kind} = value.type
  if (kind === 'string') return yamlText(value.data as string, indent)
  if (kind === 'bool' || isSigned(kind) || isUnsigned(kind)) return String(value.data)
  if (kind === 'float64' || kind === 'float32') return yamlFloat(value.data as number)
  throw new GoError(`toYAML: cannot marshal type: ${value.type.text}`)
}

function yamlFloat(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value < 0 ? '-.inf' : '.inf'
  return formatFloat(value, 'g', -1)
}

const readAsOther =
  /^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF|<<|\.nan|\.NaN|\.NAN|[+-]?\.inf|[+-]?\.Inf|[+-]?\.INF|)$/
const number =
  /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?0x[0-9a-fA-F_]+$|^[-+]?0b[01_]+$/
const sexagesimal = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const time = /^\d{4}-\d{1,2}-\d{1,2}(?:$|[Tt \t])/

function yamlText(text: string, indent: number): string {
  if (text.includes('\n') && isPlainText(text)) return literal(text, indent)
  if (readAsOther.test(text) || number.test(text) || sexagesimal.test(text) || time.test(text)) return `"${text}"`
  if (!isPlainText(text)) return doubleQuoted(text)
  return isPlainScalar(text) ? text : `'${text.replaceAll("'", "''")}'`
}

function isPlainText(text: string): boolean {
  for (const character of text) if (character !== '\n' && !isPrintable(character)) return false
  return true
}

function isPlainScalar(text: string): boolean {
  if (/^[ ]|[ ]$/.test(text) || /^(?:---|\.\.\.)/.test(text)) return false
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](?: |$)/.test(text)) return false
  return !/: |:$| #/.test(text)
}

function literal(text: string, indent: number): string {
  const trailing = /\n*$/.exec(text)?.[0].length ?? 0
  const chomp = trailing === 0 ? '-' : trailing > 1 ? '+' : ''
  const hint = /^[ \n]/.test(text) ? '2' : ''
  const prefix = ' '.repeat(Math.max(indent, 2))
  const body = trailing > 0 ? text.slice(0, -1) : text
  const lines = body.split('\n').map(line => (line === '' ? '' : prefix + line))
  return `|${hint}${chomp}\n${lines.join('\n')}`
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u00a0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
}

function doubleQuoted(text: string): string {
  let quoted = '"'
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const known = escapes[character]
    if (known !== undefined) quoted += known
    else if (isPrintable(character)) quoted += character
    else if (code <= 0xff) quoted += `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`
    else if (code <= 0xffff) quoted += `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
    else quoted += `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`
  }
  return `${quoted}"`
}

/** Natural order of keys: digits are compared as numbers, and letters come after other characters. */
function naturally(a: GoValue, b: GoValue): number {
  if (typeof a.data !== 'string' || typeof b.data !== 'string') return 0
  const left = Array.from(a.data)
  const right = Array.from(b.data)
  const digit = (character: string | undefined): boolean => /^\p{Nd}$/u.test(character ?? '')
  let inDigits = false
  for (let i = 0; i < left.length && i < right.length; i += 1) {
    const x = left[i] ?? ''
    const y = right[i] ?? ''
    if (x === y) {
      inDigits = digit(x)
      continue
    }
    const letterX = /^\p{L}$/u.test(x)
    const letterY = /^\p{L}$/u.test(y)
    if (letterX && letterY) return x < y ? -1 : 1
    if (letterX || letterY) return inDigits ? (letterX ? -1 : 1) : letterX ? 1 : -1
    return compareDigits({left, right, at: i, inDigits})
  }
  return left.length - right.length
}

function compareDigits(given: {left: string[]; right: string[]; at: number; inDigits: boolean}): number {
  const {left, right, at} = given
  let zeros: number = 0
  if (left[at] === '0' || right[at] === '0') {
    for (let j = at - 1; j >= 0 && /\d/.test(left[j] ?? ''); j -= 1) if (left[j] !== '0') zeros = 1
  }
  const a = /^\d*/.exec(left.slice(at).join(''))?.[0] ?? ''
  const b = /^\d*/.exec(right.slice(at).join(''))?.[0] ?? ''
  const first = zeros === 1 ? `1${a}` : a
  const second = zeros === 1 ? `1${b}` : b
  if (Number(first) !== Number(second)) return Number(first) - Number(second)
  if (a.length !== b.length) return a.length - b.length
  return (left[at] ?? '') < (right[at] ?? '') ? -1 : 1
}
