import type {ConsulClient} from '../core/client.js'
import type {CompleteOptions} from './complete-options.js'
import type {MappingWorker} from './pass/worker.js'
import type {MappingOptions} from './types.js'

/** A mapping that the replicator copies, with its worker. */
export interface Member {
  /** The mapping as given. */
  readonly given: MappingOptions
  /** The options that apply to this mapping. */
  readonly options: CompleteOptions
  readonly worker: MappingWorker
}

/** Returns the members in groups with the same destination client. */
export function byDestination(members: readonly Member[]): readonly (readonly Member[])[] {
  const groups = new Map<ConsulClient, Member[]>()
  for (const member of members) {
    const {destination} = member.options
    groups.set(destination, [...(groups.get(destination) ?? []), member])
  }
  return [...groups.values()]
}

/** True if both mappings have the same settings, so that the running one can continue. */
export const isSameMapping = (one: MappingOptions, other: MappingOptions): boolean =>
  one.source === other.source &&
  one.datacenter === other.datacenter &&
  one.destination === other.destination &&
  one.sourceClient === other.sourceClient &&
  one.destinationClient === other.destinationClient &&
  textOf(one) === textOf(other)

/**
 * Returns the filters as text, by which they are compared. Objects with a method `test` are equal if they are the same
 * object, or regular expressions with the same source and flags.
 */
const textOf = ({excludes = [], excludeMatches = [], includes = []}: MappingOptions): string =>
  JSON.stringify([excludes, excludeMatches, includes], (_, value: unknown) => (isTest(value) ? markOf(value) : value))

const isTest = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && 'test' in value && typeof value.test === 'function'

const marks = new WeakMap<object, string>()
let lastMark = 0
function markOf(test: object): string {
  if (test instanceof RegExp) return String(test)
  const known = marks.get(test)
  if (known !== undefined) return known
  lastMark += 1
  marks.set(test, `test ${lastMark}`)
  return `test ${lastMark}`
}
