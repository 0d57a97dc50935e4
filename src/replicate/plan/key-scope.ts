import {mutexFlags, semaphoreFlags} from '../../core/consul-constants.js'
import type {KvEntry} from '../../core/types.js'
import type {KeyFilter, KeyPattern, LockKeys, Mapping} from '../types.js'

export type LockFacts = Pick<KvEntry, 'flags' | 'session'>

const isLockKey = (entry: LockFacts): boolean =>
  entry.session !== undefined || entry.flags === mutexFlags || entry.flags === semaphoreFlags

export interface KeyScopeOptions {
  readonly mapping: Mapping
  /** A key is left out if at least one of these filters leaves it out. */
  readonly filters: readonly KeyFilter[]
  readonly lockKeys: LockKeys
  readonly statusDir: string
}

/** Which keys a mapping covers, and how their names are translated. */
export interface KeyScope {
  readonly toDestination: (sourceKey: string) => string
  readonly toSource: (destinationKey: string) => string
  /** False for a key that must be neither written nor deleted. */
  readonly includes: (sourceKey: string) => boolean
  /** True if `includes` returns false for every source key with this prefix. */
  readonly excludesAll: (sourcePrefix: string) => boolean
  /** True if the key belongs to a lock, so that the mapping must leave it alone. */
  readonly isForeign: (entry: LockFacts) => boolean
  /** True if a key is left out only because its name cannot be decoded as UTF-8. */
  readonly isUnreadable: (sourceKey: string) => boolean
}

/**
 * The character that Consul returns in place of bytes that are not UTF-8. Different names may therefore look the same.
 */
const unreadable = '\ufffd'

const fits = (pattern: KeyPattern, key: string): boolean =>
  typeof pattern === 'string' ? key.startsWith(pattern) : pattern.test(key)

const leavesOut = ({excludes = [], excludeMatches = [], includes = []}: KeyFilter, key: string): boolean =>
  excludes.some(pattern => fits(pattern, key)) ||
  excludeMatches.some(part => key.includes(part)) ||
  (includes.length > 0 && !includes.some(pattern => fits(pattern, key)))

/**
 * True if the filter leaves out every key with the prefix. Patterns with a `test` method are not considered, because
 * what they say of the prefix says nothing about longer names.
 */
const leavesOutAll = ({excludes = [], excludeMatches = []}: KeyFilter, prefix: string): boolean =>
  excludes.some(pattern => typeof pattern === 'string' && prefix.startsWith(pattern)) ||
  excludeMatches.some(part => prefix.includes(part))

export function createKeyScope(options: KeyScopeOptions): KeyScope {
  const {mapping, filters, lockKeys} = options
  const statusRoot = `${options.statusDir.replace(/\/$/, '')}/`
  const toDestination = (key: string): string => mapping.destination + key.slice(mapping.source.length)
  const isWanted = (key: string): boolean => {
    const target = toDestination(key)
    if (target === '' || key === '' || target.startsWith(statusRoot)) return false
    return !filters.some(filter => leavesOut(filter, key))
  }
  return {
    toDestination,
    toSource: key => mapping.source + key.slice(mapping.destination.length),
    includes: key => !key.includes(unreadable) && isWanted(key),
    isUnreadable: key => key.includes(unreadable) && isWanted(key),
    excludesAll: prefix =>
      filters.some(filter => leavesOutAll(filter, prefix)) || toDestination(prefix).startsWith(statusRoot),
    isForeign: entry => lockKeys === 'skip' && isLockKey(entry),
  }
}
