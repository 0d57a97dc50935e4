import {mutexFlags, semaphoreFlags} from '../../core/consul-constants.js'
import type {KvEntry} from '../../core/types.js'
import type {LockKeys, Mapping} from '../types.js'

export type LockFacts = Pick<KvEntry, 'flags' | 'session'>

const isLockKey = (entry: LockFacts): boolean =>
  entry.session !== undefined || entry.flags === mutexFlags || entry.flags === semaphoreFlags

export interface KeyScopeOptions {
  readonly mapping: Mapping
  readonly excludes: readonly string[]
  readonly excludeMatches: readonly string[]
  readonly lockKeys: LockKeys
  readonly statusDir: string
}

/** The keys that a mapping covers, and the translation of their names. */
export interface KeyScope {
  readonly toDestination: (sourceKey: string) => string
  readonly toSource: (destinationKey: string) => string
  /** False for keys that must be neither written nor deleted, whatever the source says. */
  readonly includes: (sourceKey: string) => boolean
  /** True for prefixes of source keys that `includes` none of. */
  readonly excludesAll: (sourcePrefix: string) => boolean
  /** True if a lock, and not the mapping, owns the key. */
  readonly isForeign: (entry: LockFacts) => boolean
  /** True if a key is left out only because its name cannot be read. */
  readonly isUnreadable: (sourceKey: string) => boolean
}

/** The character that Consul returns for bytes that are not UTF-8, so that different names look the same. */
const unreadable = '\ufffd'

export function createKeyScope(options: KeyScopeOptions): KeyScope {
  const {mapping, excludes, excludeMatches, lockKeys} = options
  const statusRoot = `${options.statusDir.replace(/\/$/, '')}/`
  const toDestination = (key: string): string => mapping.destination + key.slice(mapping.source.length)
  const isWanted = (key: string): boolean => {
    const target = toDestination(key)
    if (target === '' || key === '' || target.startsWith(statusRoot)) return false
    return !excludes.some(prefix => key.startsWith(prefix)) && !excludeMatches.some(part => key.includes(part))
  }
  return {
    toDestination,
    toSource: key => mapping.source + key.slice(mapping.destination.length),
    includes: key => !key.includes(unreadable) && isWanted(key),
    isUnreadable: key => key.includes(unreadable) && isWanted(key),
    excludesAll: prefix =>
      excludes.some(each => prefix.startsWith(each)) ||
      excludeMatches.some(part => prefix.includes(part)) ||
      toDestination(prefix).startsWith(statusRoot),
    isForeign: entry => lockKeys === 'skip' && isLockKey(entry),
  }
}
