import type {ConsulClient} from '../core/client.js'
import type {CompleteOptions} from './complete-options.js'
import type {MappingWorker} from './pass/worker.js'
import type {MappingOptions} from './types.js'

/** A mapping that is copied. */
export interface Member {
  /** As given. */
  readonly given: MappingOptions
  /** Those that apply to this mapping. */
  readonly options: CompleteOptions
  readonly worker: MappingWorker
}

/** Returns the members, grouped by the client that copies them. */
export function byDestination(members: readonly Member[]): readonly (readonly Member[])[] {
  const groups = new Map<ConsulClient, Member[]>()
  for (const member of members) {
    const {destination} = member.options
    groups.set(destination, [...(groups.get(destination) ?? []), member])
  }
  return [...groups.values()]
}

/** True if a mapping need not begin again for the new settings. */
export const isSameMapping = (one: MappingOptions, other: MappingOptions): boolean =>
  one.source === other.source &&
  one.datacenter === other.datacenter &&
  one.destination === other.destination &&
  one.sourceClient === other.sourceClient &&
  one.destinationClient === other.destinationClient &&
  textOf(one) === textOf(other)

/** Tests are the same if they are the same object, or expressions of the same text. */
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
