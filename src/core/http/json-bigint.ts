/**
 * Consul's 64-bit numbers. `Flags` holds the lock flags of the Go client, which exceed 2^53, and JSON.parse would round them.
 * Only these fields can be that large; everything else in Consul's answers fits a JavaScript number.
 */
const wideFields = ['Flags', 'CreateIndex', 'ModifyIndex', 'LockIndex', 'LTime'] as const
const isWide = new Set<string>(wideFields)
// Inside a JSON string the quotes around a name are escaped, so this can only match a name.
const widePattern = new RegExp(`"(${wideFields.join('|')})":(\\s*)(\\d+)`, 'g')

/** Parses an answer of Consul. The fields above arrive as bigint. Throws a SyntaxError on anything but JSON. */
export function parseConsulJson(text: string): unknown {
  return toBigints(JSON.parse(text.replace(widePattern, '"$1":$2"$3"')))
}

function toBigints(value: unknown): unknown {
  if (Array.isArray(value)) {
    for (const item of value) toBigints(item)
  } else if (typeof value === 'object' && value !== null) {
    const object = value as Record<string, unknown>
    for (const [name, field] of Object.entries(object)) {
      if (typeof field === 'object') toBigints(field)
      else if (typeof field === 'string' && isWide.has(name) && /^\d+$/.test(field)) object[name] = BigInt(field)
    }
  }
  return value
}

const rawMark = '\u0000n'
const rawPattern = /"\\u0000n(\d+)"/g

/** Serialises with bigints as raw digits, as Consul itself writes them. `indent` as for JSON.stringify. */
export function stringifyConsulJson(value: unknown, indent?: number | string): string {
  const text = JSON.stringify(
    value,
    (_name, field: unknown) => (typeof field === 'bigint' ? `${rawMark}${field}` : field),
    indent,
  )
  return text.replace(rawPattern, '$1')
}
