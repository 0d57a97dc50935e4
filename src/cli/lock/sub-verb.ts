import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

/**
 * Throws a UsageError if there is more than one argument, because the others could be a command to run under a lock
 * that has the name of the sub-command. Also throws for an empty prefix, except for `ls` and `status`, which then show
 * all locks.
 */
export function checkSubVerb(verb: string, words: readonly string[]): void {
  checkCount(verb, words, 1)
  if (/^(?:ls|status)$/.test(verb) || !/^\/?$/.test(words[0] ?? '')) return
  throw new UsageError(`lock ${verb}: the prefix is empty`, {hint: 'name the lock: usually a variable is not set'})
}

/** Throws a UsageError if there are any arguments. */
export const checkNoWords = (verb: string, words: readonly string[]): void => checkCount(verb, words, 0)

function checkCount(verb: string, words: readonly string[], most: number): void {
  const unexpected = words[most]
  if (unexpected === undefined) return
  throw new UsageError(`lock ${verb}: unexpected argument: ${brief(unexpected)}`, {
    hint: `for a lock named ${verb}: baton lock ${verb} -- ${words.map(brief).join(' ')}`,
  })
}
