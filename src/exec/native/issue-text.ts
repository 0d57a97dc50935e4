/**
 * Describes the first fault that a schema found: the path of the value, and what was expected
 * there.
 */
export function issueText(
  issues: readonly {readonly path: readonly PropertyKey[]; readonly message: string}[],
): string {
  const [issue] = issues
  if (!issue) return 'it cannot be read'
  if (issue.path.length === 0) return 'it is not a JSON object'
  return `${issue.path.map(String).join('.')}: ${issue.message}`
}
