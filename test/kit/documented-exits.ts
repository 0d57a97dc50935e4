import exitCodes from './exit-codes.json' with {type: 'json'}

/** Labels of the exit codes that help and docs name for a command: `0`, `64`, `128+n`. */
export type ExitLabels = readonly string[]

/**
 * Returns the exit codes that help and docs name for the command; undefined if the command may have any
 * code.
 */
export function documentedExits(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): ExitLabels | undefined {
  const id = [3, 2, 1].map(length => args.slice(0, length).join(' ')).find(name => Object.hasOwn(exitCodes, name))
  const labels = id === undefined ? undefined : (exitCodes as Readonly<Record<string, ExitLabels>>)[id]
  const isCompat = env['BATON_COMPAT'] !== undefined || args.some(word => /^--?compat\b/.test(word))
  return labels?.includes('other') || isCompat ? undefined : labels
}

const isDocumented = (code: number, labels: ExitLabels): boolean =>
  labels.includes(String(code)) || (code > 128 && labels.includes('128+n'))

/** Returns an error if the exit code is not among the labels. */
export const undocumentedExit = (
  name: string,
  {exitCode, stderr}: {readonly exitCode: number; readonly stderr: string},
  labels: ExitLabels | undefined,
): Error | undefined =>
  labels === undefined || isDocumented(exitCode, labels)
    ? undefined
    : new Error(`${name}: exit code ${exitCode} is not in its help (${labels.join(', ')})\n${stderr}`)
