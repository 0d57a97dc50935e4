import {formatFloat} from '../../gotemplate/format/float.js'
import {compareText, isBrokenByte} from '../../gotemplate/value/text.js'
import {type Argument, type GoValue, isSigned, isUnsigned} from '../../gotemplate/value/types.js'
import {bytesOf, elementsOf, entriesOf, GoError, isNil, stored} from '../../gotemplate/value/values.js'

/**
 * Style of JSON output: on several lines if there is an indent, and with `<`, `>` and `&` as `\u003c` and so on if
 * requested.
 */
export interface JsonStyle {
  readonly indent: string
  readonly escapeHtml: boolean
}

/**
 * Writes a value as Go's `encoding/json` does: with sorted keys, and with `<`, `>` and `&` escaped unless the style
 * says otherwise.
 */
export function writeJson(value: Argument, style: JsonStyle): string {
  return write(stored(value), style, '\n')
}

function write(value: Argument, style: JsonStyle, line: string): string {
  if (value === undefined || (value.type.kind !== 'slice' && isNil(value))) return 'null'
  const {kind} = value.type
  if (isSigned(kind) || isUnsigned(kind)) return String(value.data)
  switch (kind) {
    case 'string':
      return jsonText(value.data as string, style.escapeHtml)
    case 'bool':
      return String(value.data)
    case 'float64':
    case 'float32':
      return jsonNumber(value.data as number)
    case 'slice':
    case 'array':
      return writeList(value, style, line)
    case 'map':
      return writeMap(value, style, line)
    case 'struct':
      return writeStruct(value, style, line)
    case 'pointer':
      return write(value.data as GoValue, style, line)
    default:
      throw new GoError(`json: unsupported type: ${value.type.text}`)
  }
}

function writeList(value: GoValue, style: JsonStyle, line: string): string {
  if (value.data === null) return 'null'
  if (value.type.kind === 'slice' && value.type.elem?.kind === 'uint8') {
    return `"${Buffer.from(bytesOf(value)).toString('base64')}"`
  }
  const inner = line + style.indent
  return enclose(
    '[]',
    elementsOf(value).map(element => write(stored(element), style, inner)),
    style,
    line,
  )
}

function writeMap(value: GoValue, style: JsonStyle, line: string): string {
  const entries = [...entriesOf(value).values()].map(({key, value: held}) => {
    if (key.type.kind !== 'string' && typeof key.data !== 'bigint') {
      throw new GoError(`json: unsupported type: ${value.type.text}`)
    }
    return [String(key.data), stored(held)] as const
  })
  entries.sort(([a], [b]) => compareText(a, b))
  return writeMembers(entries, style, line)
}

function writeStruct(value: GoValue, style: JsonStyle, line: string): string {
  const held = value.data as readonly Argument[]
  const members = (value.type.fields ?? []).map((field, i) => [field.name, stored(held[i])] as const)
  return writeMembers(members, style, line)
}

function writeMembers(members: readonly (readonly [string, Argument])[], style: JsonStyle, line: string): string {
  const inner = line + style.indent
  const colon = style.indent === '' ? ':' : ': '
  const texts = members.map(([name, held]) => `${jsonText(name, style.escapeHtml)}${colon}${write(held, style, inner)}`)
  return enclose('{}', texts, style, line)
}

function enclose(marks: string, parts: readonly string[], style: JsonStyle, line: string): string {
  const [open = '', close = ''] = marks
  if (parts.length === 0) return marks
  if (style.indent === '') return open + parts.join(',') + close
  const inner = line + style.indent
  return `${open}${inner}${parts.join(`,${inner}`)}${line}${close}`
}

const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function jsonText(text: string, escapeHtml: boolean): string {
  let written = '"'
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (short[character] !== undefined) written += short[character]
    else if (code < 0x20 || code === 0x2028 || code === 0x2029 || (escapeHtml && '<>&'.includes(character))) {
      written += `\\u${code.toString(16).padStart(4, '0')}`
    } else written += isBrokenByte(character) ? '\\ufffd' : character
  }
  return `${written}"`
}

function jsonNumber(value: number): string {
  if (!Number.isFinite(value)) throw new GoError(`json: unsupported value: ${formatFloat(value, 'g', -1)}`)
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-6 || size >= 1e21)) return formatFloat(value, 'e', -1).replace(/e-0(\d)$/, 'e-$1')
  return formatFloat(value, 'f', -1)
}
