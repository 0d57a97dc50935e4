/**
 * Names of Consul's 64-bit numbers. `Flags` holds the lock flags of the Go client, which exceed 2^53, and JSON.parse
 * would round them. All other numbers in Consul's answers are small enough for a JavaScript number.
 */
const wideFields = ['Flags', 'CreateIndex', 'ModifyIndex', 'LockIndex', 'LTime'] as const
const isWide = new Set<string>(wideFields)
// Inside a JSON string the quotes around a name are escaped, so this can only match a name.
const widePattern = new RegExp(`"(${wideFields.join('|')})":(\\s*)(\\d+)`, 'g')

// Numbers with fewer digits are exact as JavaScript numbers.
const longNumber = /\d{16}/

/**
 * Parses an answer of Consul. The fields in `wideFields` become bigints. Throws a SyntaxError if the text is
 * not JSON.
 */
export function parseConsulJson(text: string): unknown {
  if (!longNumber.test(text)) return toBigints(JSON.parse(text), undefined)
  let mark = 'n'
  while (text.includes(`\\u0000${mark}`)) mark += 'n'
  const marked = text.replace(widePattern, `"$1":$2"\\u0000${mark}$3"`)
  return toBigints(JSON.parse(marked), `\u0000${mark}`)
}

/**
 * Turns the fields in `wideFields` into bigints. A string that begins with `mark` stands for a number that
 * JSON.parse would have rounded.
 */
function toBigints(value: unknown, mark: string | undefined): unknown {
  if (Array.isArray(value)) {
    for (const item of value) toBigints(item, mark)
  } else if (typeof value === 'object' && value !== null) {
    const object = value as Record<string, unknown>
    for (const name in object) {
      const field = object[name]
      if (typeof field === 'object') toBigints(field, mark)
      else if (isWide.has(name)) object[name] = toBigint(field, mark)
    }
  }
  return value
}

function toBigint(field: unknown, mark: string | undefined): unknown {
  if (typeof field === 'number') return Number.isInteger(field) && field >= 0 ? BigInt(field) : field
  const isMarked = mark !== undefined && typeof field === 'string' && field.startsWith(mark)
  return isMarked ? BigInt(field.slice(mark.length)) : field
}

/**
 * Serialises a value as JSON, with bigints as digits as Consul itself writes them. `indent` has the
 * same meaning as for JSON.stringify.
 */
export function stringifyConsulJson(value: unknown, indent?: number | string): string {
  // Lengthens the mark until no string in the value itself looks like a marked number.
  for (let mark = 'n'; ; mark += 'n') {
    let count = 0
    const toMarked = (_name: string, field: unknown): unknown => {
      if (typeof field !== 'bigint') return field
      count += 1
      return `\u0000${mark}${field}`
    }
    const text = JSON.stringify(value, toMarked, indent)
    const pattern = new RegExp(`"\\\\u0000${mark}(-?\\d+)"`, 'g')
    if ((text.match(pattern)?.length ?? 0) === count) return text.replace(pattern, '$1')
  }
}
