import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

/**
 * Throws a UsageError if there are more arguments than the sub-command takes. The user probably wanted to run a program
 * that has the same name as the sub-command.
 */
export function checkExecWords(verb: string, words: readonly string[], most: number): void {
  if (words.length === most && words[0] === '') throw new UsageError(`exec ${verb}: the ID of the job is empty`)
  if (words.length === most) return
  const unexpected = words[most]
  const what = unexpected === undefined ? 'which job?' : `unexpected argument: ${brief(unexpected)}`
  throw new UsageError(`exec ${verb}: ${what}`, {
    hint: `jobs are listed by: baton exec ls; to run a program named ${verb}: baton exec -- ${[verb, ...words].map(brief).join(' ')}`,
  })
}
