/** The fields of a fault that a schema of zod reports. Its other fields depend on the code. */
interface SchemaIssue {
  readonly code?: string
  readonly input?: unknown
  readonly expected?: string
  readonly values?: readonly unknown[]
  readonly origin?: string
  readonly minimum?: number | bigint
  readonly inclusive?: boolean
  readonly format?: string
  /** The faults that the members of a union found. */
  readonly errors?: readonly (readonly {readonly message: string}[])[]
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/**
 * Returns what is wrong with a value, without the value: `must be a string`. Passed to a schema as
 * `safeParse(value, {error: schemaFault})`, it replaces the texts of the schema library. Returns undefined for faults
 * that a schema describes itself.
 */
export function schemaFault(issue: SchemaIssue): string | undefined {
  const {code, expected = '', values = [], errors = []} = issue
  if (code === 'custom') return undefined
  if (issue.input === undefined) return 'is missing'
  if (code === 'invalid_type') return `must be ${kinds[expected] ?? expected}`
  if (code === 'invalid_value') return `must be ${values.map(String).join(' or ')}`
  if (code === 'too_small') return tooSmall(issue)
  if (code === 'invalid_format') return issue.format === 'url' ? 'must be a URL' : 'does not have the expected form'
  if (code === 'invalid_union') return eitherOf(errors.map(([first]) => first?.message ?? 'is not valid'))
  return undefined
}

const eitherOf = (faults: readonly string[]): string =>
  [...new Set(faults)].join(' or ').replaceAll(' or must be ', ' or ')

function tooSmall({origin, minimum = 0, inclusive = true}: SchemaIssue): string {
  if (origin !== 'number') return 'must not be empty'
  return `must be ${inclusive ? 'at least' : 'more than'} ${minimum}`
}
