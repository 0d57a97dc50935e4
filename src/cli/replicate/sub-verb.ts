import * as Flags from '@oclif/core/flags'
import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {formatMapping, parseMapping} from '../../replicate/mapping.js'
import type {Mapping} from '../../replicate/types.js'
import {checkStatusDir} from './status-dir.js'

/** The flag of all commands that read the data of replicators at the destination. */
export const statusDirFlag = Flags.custom({
  description: 'where the status keys are',
  default: 'service/consul-replicate/statuses',
  helpValue: 'PREFIX',
  parse: async text => checkStatusDir(text),
})()

/**
 * Throws a UsageError if there are more than `most` arguments. In that case they are probably all mappings, and the
 * source of the first mapping has the same name as the sub-command.
 */
export function checkWords(verb: string, words: readonly string[], most: number): void {
  const unexpected = words[most]
  if (unexpected === undefined) return
  throw new UsageError(`replicate ${verb}: unexpected argument: ${brief(unexpected)}`, {
    hint: `for a prefix named ${verb}: baton replicate --prefix ${verb}`,
  })
}

/** Parses the arguments as `replicate` does, and returns the items in the list that belong to one of these mappings. */
export function ofMapping<T extends {readonly mapping: Mapping}>(
  items: readonly T[],
  word: string | undefined,
): readonly T[] {
  if (word === undefined) return items
  const wanted = formatMapping(parseMapping(word, {datacenterRequired: false}))
  return items.filter(({mapping}) => formatMapping(mapping) === wanted)
}

/** Returns the destination of the mapping that is the first argument, for the ACL rules that the command needs. */
export const destinationOf = ([word]: readonly string[]): string =>
  word === undefined ? '' : parseMapping(word, {datacenterRequired: false}).destination
