import {randomBytes} from 'node:crypto'
import type {ConsulClient} from '../../../src/core/client.js'
import {listEntries} from '../../../src/replicate/pass/list-entries.js'

/** Amount of data at the source `dc1`: the number of keys and the number of folders that contain them. */
export interface Load {
  readonly keys: number
  readonly folders: number
}

const perTransaction = 64
const lanes = 4

export const sourcePrefix = ({keys, folders}: Load): string => `bench-${keys}-${folders}/`

export const nameOf = ({folders}: Load, at: number): string =>
  `${String(at % folders).padStart(String(folders - 1).length, '0')}/key-${at}`

export const newValue = (): Buffer => randomBytes(75)

/** Writes all keys of the load. */
export async function fill(client: ConsulClient, load: Load): Promise<void> {
  const prefix = sourcePrefix(load)
  let next = 0
  const write = async (): Promise<void> => {
    while (next < load.keys) {
      const from = next
      next += perTransaction
      const names = Array.from({length: Math.min(perTransaction, load.keys - from)}, (_, more) =>
        nameOf(load, from + more),
      )
      const {committed} = await client.txn.commit(
        names.map(name => ({verb: 'set', key: prefix + name, value: newValue(), flags: 0n})),
        {datacenter: 'dc1'},
      )
      if (!committed) throw new Error('a transaction of the bench was refused')
    }
  }
  await Promise.all(Array.from({length: lanes}, write))
}

/** Returns the number of names that are missing at the destination, exist only there, or have another value. */
export async function difference(client: ConsulClient, from: string, to: string): Promise<number> {
  const read = async (datacenter: string, prefix: string): Promise<Map<string, string>> => {
    const {value} = await listEntries(client, prefix, {datacenter, consistency: 'consistent'})
    return new Map(value.map(entry => [entry.key.slice(prefix.length), entry.value.toString('latin1')]))
  }
  const [there, here] = await Promise.all([read('dc1', from), read('dc2', to)])
  let count = 0
  for (const [name, value] of there) if (here.get(name) !== value) count += 1
  for (const name of here.keys()) if (!there.has(name)) count += 1
  return count
}
