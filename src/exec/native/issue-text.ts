interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Fields that the schema does not know. */
  readonly keys?: readonly string[]
}

/** Maximum length of the name of an unknown field. Jobs of other clients may contain any name. */
const maxNameLength = 64

/**
 * Describes the first fault that a schema found: the path of the value, and what was expected
 * there.
 */
export function issueText(issues: readonly Issue[]): string {
  const [issue] = issues
  if (!issue) return 'it cannot be read'
  const [unknown] = issue.keys ?? []
  if (unknown !== undefined) {
    return `it has an unknown field '${[...issue.path.map(String), unknown.slice(0, maxNameLength)].join('.')}'`
  }
  if (issue.path.length === 0) return 'it is not a JSON object'
  return `${issue.path.map(String).join('.')}: ${issue.message}`
}
