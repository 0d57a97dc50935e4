import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

/** Throws a UsageError if there is more than one argument: they could be a command for a lock with the name of the sub-command. */
export const checkSubVerb = (verb: string, words: readonly string[]): void => checkCount(verb, words, 1)

/** Throws a UsageError if there is an argument. */
export const checkNoWords = (verb: string, words: readonly string[]): void => checkCount(verb, words, 0)

function checkCount(verb: string, words: readonly string[], most: number): void {
  const unexpected = words[most]
  if (unexpected === undefined) return
  throw new UsageError(`lock ${verb}: unexpected argument: ${brief(unexpected)}`, {
    hint: `for a lock named ${verb}: baton lock ${verb} -- ${words.map(brief).join(' ')}`,
  })
}
