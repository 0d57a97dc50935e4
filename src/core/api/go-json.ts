/** What {@link goJson} can write: bigint for Consul's 64-bit numbers, which come out as raw digits. */
export type GoValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly GoValue[]
  | {readonly [name: string]: GoValue | undefined}

// Go's encoder also escapes what is dangerous inside HTML and JavaScript, and knows no short form but these three.
const mustEscape = /["\\<>&\u0000-\u001f\u2028\u2029]/g
const shortForms: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

const quote = (text: string): string =>
  `"${text.replace(
    mustEscape,
    character => shortForms[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}"`

/**
 * JSON byte for byte as Go's encoding/json writes it: fields in the order given, `undefined` left out,
 * one line without blanks, or indented when `indent` is given.
 */
export function goJson(value: GoValue, indent = ''): string {
  return write(value, indent, '')
}

function write(value: GoValue, indent: string, margin: string): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const inner = margin + indent
  const isList = Array.isArray(value)
  const parts = isList
    ? (value as readonly GoValue[]).map(item => write(item, indent, inner))
    : Object.entries(value as Readonly<Record<string, GoValue | undefined>>).flatMap(([name, field]) =>
        field === undefined ? [] : [`${quote(name)}:${indent === '' ? '' : ' '}${write(field, indent, inner)}`],
      )
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  if (parts.length === 0) return open + close
  if (indent === '') return open + parts.join(',') + close
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}`
}
