import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

/** Throws a UsageError if there is more than one argument: they could be a command for a lock with the name of the sub-command. */
export function checkSubVerb(verb: string, words: readonly string[]): void {
  const [, unexpected] = words
  if (unexpected === undefined) return
  throw new UsageError(`lock ${verb}: unexpected argument: ${brief(unexpected)}`, {
    hint: `for a lock named ${verb}: baton lock ${verb} -- ${words.map(brief).join(' ')}`,
  })
}
