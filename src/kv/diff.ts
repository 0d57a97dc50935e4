import type {KvEntry} from '../core/types.js'

/** A key that differs between two prefixes. */
export interface KeyDifference {
  /**
   * `create`: the key exists only in the second prefix. `delete`: only in the first. `update`: in both, with different
   * contents.
   */
  readonly kind: 'create' | 'update' | 'delete'
  /** The key without its prefix. */
  readonly key: string
  /** Which fields differ; undefined unless `kind` is `update`. */
  readonly differs?: 'value' | 'flags' | 'both'
}

/** The keys below one of the prefixes. */
export interface KeysUnder {
  readonly prefix: string
  readonly entries: readonly KvEntry[]
}

/**
 * Compares the keys under two prefixes by name, value and flags. Returns the changes that would make the keys under the
 * first prefix equal to those under the second.
 */
export function diffKeys(first: KeysUnder, second: KeysUnder): readonly KeyDifference[] {
  const rest = new Map(second.entries.map(entry => [entry.key.slice(second.prefix.length), entry]))
  const differences: KeyDifference[] = []
  for (const entry of first.entries) {
    const key = entry.key.slice(first.prefix.length)
    const other = rest.get(key)
    rest.delete(key)
    const differs = other && compare(entry, other)
    if (other === undefined) differences.push({kind: 'delete', key})
    else if (differs !== undefined) differences.push({kind: 'update', key, differs})
  }
  for (const key of rest.keys()) differences.push({kind: 'create', key})
  return differences.sort((a, b) => (a.key < b.key ? -1 : 1))
}

function compare(a: KvEntry, b: KvEntry): KeyDifference['differs'] {
  const isValueEqual = a.value.equals(b.value)
  if (a.flags === b.flags) return isValueEqual ? undefined : 'value'
  return isValueEqual ? 'flags' : 'both'
}
