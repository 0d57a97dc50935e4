import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

/**
 * Throws a UsageError if there is more than one argument, because the others could be a command to run under a lock
 * that has the name of the sub-command.
 */
export const checkSubVerb = (verb: string, words: readonly string[]): void => checkCount(verb, words, 1)

/** Throws a UsageError if there are any arguments. */
export const checkNoWords = (verb: string, words: readonly string[]): void => checkCount(verb, words, 0)

function checkCount(verb: string, words: readonly string[], most: number): void {
  const unexpected = words[most]
  if (unexpected === undefined) return
  throw new UsageError(`lock ${verb}: unexpected argument: ${brief(unexpected)}`, {
    hint: `for a lock named ${verb}: baton lock ${verb} -- ${words.map(brief).join(' ')}`,
  })
}
