/** Values that {@link goJson} can write. A bigint, for Consul's 64-bit numbers, is written as digits. */
export type GoValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly GoValue[]
  | {readonly [name: string]: GoValue | undefined}

// Go's encoder also escapes characters that are dangerous in HTML and JavaScript.
const isEscaped = /["\\<>&\u0000-\u001f\u2028\u2029]/
const allEscaped = new RegExp(isEscaped, 'g')
const shortForms: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

const escaped = (character: string): string =>
  shortForms[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const quote = (text: string): string => `"${isEscaped.test(text) ? text.replace(allEscaped, escaped) : text}"`

/**
 * Returns JSON, byte for byte as Go's encoding/json writes it: fields in the order given, `undefined` left
 * out. The JSON is one line without spaces unless `indent` is given.
 */
export function goJson(value: GoValue, indent = ''): string {
  const parts: string[] = []
  write(value, parts, indent, indent === '' ? '' : '\n')
  return parts.join('')
}

/** `line` is the line break and the indentation of the closing bracket; empty if everything is on one line. */
function write(value: GoValue, parts: string[], indent: string, line: string): void {
  if (typeof value === 'string') parts.push(quote(value))
  else if (typeof value !== 'object' || value === null) parts.push(String(value))
  else if (Array.isArray(value)) writeList(value as readonly GoValue[], parts, indent, line)
  else writeObject(value as Readonly<Record<string, GoValue | undefined>>, parts, indent, line)
}

function writeList(list: readonly GoValue[], parts: string[], indent: string, line: string): void {
  const inner = line + indent
  let before = '['
  for (const item of list) {
    parts.push(before, inner)
    write(item, parts, indent, inner)
    before = ','
  }
  parts.push(before === '[' ? '[]' : `${line}]`)
}

function writeObject(
  object: Readonly<Record<string, GoValue | undefined>>,
  parts: string[],
  indent: string,
  line: string,
): void {
  const inner = line + indent
  const colon = indent === '' ? ':' : ': '
  let before = '{'
  for (const name of Object.keys(object)) {
    const field = object[name]
    if (field === undefined) continue
    parts.push(before, inner, quote(name), colon)
    write(field, parts, indent, inner)
    before = ','
  }
  parts.push(before === '{' ? '{}' : `${line}}`)
}
