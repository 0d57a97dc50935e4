import * as Flags from '@oclif/core/flags'
import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {formatMapping, parseMapping} from '../../replicate/mapping.js'
import type {Mapping} from '../../replicate/types.js'

/** Shared by the commands that read what replicators keep at the destination. */
export const statusDirFlag = Flags.string({
  description: 'where the status keys are',
  default: 'service/consul-replicate/statuses',
  helpValue: 'PREFIX',
})

/**
 * Throws a UsageError if there are more than `most` arguments: these could be mappings, the first with the name of the
 * sub-command.
 */
export function checkWords(verb: string, words: readonly string[], most: number): void {
  const unexpected = words[most]
  if (unexpected === undefined) return
  throw new UsageError(`replicate ${verb}: unexpected argument: ${brief(unexpected)}`, {
    hint: `for a prefix named ${verb}: baton replicate --prefix ${verb}`,
  })
}

/** Accepts what `replicate` accepts, and keeps of a list what belongs to the mapping. */
export function ofMapping<T extends {readonly mapping: Mapping}>(
  items: readonly T[],
  word: string | undefined,
): readonly T[] {
  if (word === undefined) return items
  const wanted = formatMapping(parseMapping(word, {datacenterRequired: false}))
  return items.filter(({mapping}) => formatMapping(mapping) === wanted)
}
