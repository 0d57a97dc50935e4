import type {KvEntry} from '../../core/types.js'

export interface ValueOptions {
  readonly base64?: boolean
}

const newline = Buffer.from('\n')

/** Returns the value as it is printed: raw bytes, or base64. */
export const shownValue = (entry: KvEntry, options: ValueOptions = {}): Buffer =>
  options.base64 === true ? Buffer.from(entry.value.toString('base64')) : entry.value

/**
 * Returns `key:value` and a newline. As in Consul, values are not escaped, so values with line breaks need `export`
 * instead.
 */
export const recurseLine = (entry: KvEntry, options: ValueOptions = {}): Buffer =>
  Buffer.concat([Buffer.from(`${entry.key}:`), shownValue(entry, options), newline])

/** Returns the value and a newline. */
export const valueLine = (entry: KvEntry, options: ValueOptions = {}): Buffer =>
  Buffer.concat([shownValue(entry, options), newline])

const nameWidth = 17

/** Returns one field per row, with the values in a column, as `consul kv get -detailed` prints them. */
export function detailedRows(entry: KvEntry, options: ValueOptions & {readonly namespace?: string} = {}): Buffer {
  const rows: [string, string][] = [
    ['CreateIndex', entry.createIndex.toString()],
    ['Flags', entry.flags.toString()],
    ['Key', entry.key],
    ['LockIndex', entry.lockIndex.toString()],
    ['ModifyIndex', entry.modifyIndex.toString()],
    ['Session', entry.session ?? '-'],
    ...(options.namespace === undefined ? [] : [['Namespace', options.namespace] as [string, string]]),
  ]
  const text = rows.map(([name, value]) => `${name.padEnd(nameWidth)}${value}\n`).join('')
  const value = shownValue(entry, options)
  // Go's column writer leaves no spaces at the end of a line.
  const label = value.length === 0 ? 'Value' : 'Value'.padEnd(nameWidth)
  return Buffer.concat([Buffer.from(text + label), value, newline])
}

/** Returns the entries of a list. With `detailed`, they are separated by empty lines. */
export function listText(entries: readonly KvEntry[], options: ValueOptions & {readonly detailed?: boolean}): Buffer {
  if (options.detailed !== true) return Buffer.concat(entries.map(entry => recurseLine(entry, options)))
  return Buffer.concat(entries.flatMap((entry, at) => [...(at === 0 ? [] : [newline]), detailedRows(entry, options)]))
}

/** Returns every field of an entry for `--json`, with the value as base64 and 64-bit numbers as digits. */
export const entryObject = (entry: KvEntry): Readonly<Record<string, string | bigint | null>> => ({
  key: entry.key,
  value: entry.value.toString('base64'),
  flags: entry.flags,
  session: entry.session ?? null,
  lockIndex: entry.lockIndex,
  createIndex: entry.createIndex,
  modifyIndex: entry.modifyIndex,
})
