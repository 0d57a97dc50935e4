import type {KvEntry} from '../../core/types.js'
import type {LockKeys, Mapping} from '../types.js'

/** Flags by which the Go client marks the keys of a mutex and of a semaphore. */
export const mutexFlags = 0x2ddccbc058a50c18n
export const semaphoreFlags = 0xe0f69a2baa414de0n

export type LockFacts = Pick<KvEntry, 'flags' | 'session'>

const isLockKey = (entry: LockFacts): boolean =>
  entry.session !== undefined || entry.flags === mutexFlags || entry.flags === semaphoreFlags

export interface ScopeOptions {
  readonly mapping: Mapping
  readonly excludes: readonly string[]
  readonly excludeMatches: readonly string[]
  readonly lockKeys: LockKeys
  readonly statusDir: string
}

/** Which keys a mapping is about, and how their names translate. */
export interface Scope {
  readonly toDestination: (sourceKey: string) => string
  readonly toSource: (destinationKey: string) => string
  /** False for keys that must be neither written nor deleted, whatever the source says. */
  readonly includes: (sourceKey: string) => boolean
  /** True when a lock, and not the mapping, owns the key. */
  readonly isForeign: (entry: LockFacts) => boolean
}

/** Consul writes bytes that are not UTF-8 as this, so such a name cannot be told from another. */
const unreadable = '\ufffd'

export function createScope(options: ScopeOptions): Scope {
  const {mapping, excludes, excludeMatches, lockKeys} = options
  const statusRoot = `${options.statusDir.replace(/\/$/, '')}/`
  const toDestination = (key: string): string => mapping.destination + key.slice(mapping.source.length)
  return {
    toDestination,
    toSource: key => mapping.source + key.slice(mapping.destination.length),
    includes: key => {
      const target = toDestination(key)
      if (target === '' || key === '' || target.startsWith(statusRoot) || key.includes(unreadable)) return false
      return !excludes.some(prefix => key.startsWith(prefix)) && !excludeMatches.some(part => key.includes(part))
    },
    isForeign: entry => lockKeys === 'skip' && isLockKey(entry),
  }
}
