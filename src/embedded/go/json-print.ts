/** JSON in Consul's form: 64-bit integers as digits, fields in the given order, `undefined` fields left out. */
export type Printable =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | readonly Printable[]
  | ReadonlyMap<string, Printable>
  | {readonly [name: string]: Printable}

const htmlEscapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

export const printString = (text: string): string =>
  JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, char => htmlEscapes[char] ?? char)

export function printJson(value: Printable): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return printString(value)
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(printJson).join(',')}]`
  const entries = value instanceof Map ? [...value].sort(([a], [b]) => (a < b ? -1 : 1)) : Object.entries(value)
  const fields: string[] = []
  for (const [name, item] of entries as readonly (readonly [string, Printable])[]) {
    if (item !== undefined) fields.push(`${printString(name)}:${printJson(item)}`)
  }
  return `{${fields.join(',')}}`
}

/** Returns the text indented by four spaces and ended by a newline, as for `?pretty`. */
export function indentJson(text: string): string {
  let depth = 0
  const newline = (): string => `\n${' '.repeat(depth * 4)}`
  const pieces = text.match(/"(?:[^"\\]|\\.)*"|[[{]\s*[\]}]|[[\]{},:]|[^[\]{},:"]+/g) ?? []
  let result = ''
  for (const piece of pieces) {
    if (piece === '{' || piece === '[') {
      depth += 1
      result += piece + newline()
    } else if (piece === '}' || piece === ']') {
      depth -= 1
      result += newline() + piece
    } else if (piece === ',') result += piece + newline()
    else result += piece === ':' ? ': ' : piece
  }
  return `${result}\n`
}
