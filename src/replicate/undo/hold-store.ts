import type {ConsulClient} from '../../core/client.js'
import type {CallOptions} from '../../core/types.js'
import {decodeParts, encodeParts, type HeldKeys, parseObject} from '../held/held-set.js'
import {batonDir, mappingHash} from '../held/paths.js'
import type {Mapping} from '../types.js'

type Call = Pick<CallOptions, 'signal'>

/**
 * An undo hold: keys that an undo has restored. Replicators leave each key alone until the source has a
 * version other than the undone one (0 means that the key did not exist at the source).
 */
export interface UndoHold {
  readonly id: string
  readonly mapping: Mapping
  readonly keys: HeldKeys
}

const mostParts = 1000
const headForm = /\/[0-9a-f]{8}$/

const holdsDir = (statusDir: string, mapping: Mapping): string =>
  `${batonDir(statusDir)}undone/${mappingHash(mapping)}/`

/**
 * Returns the key that is written after each change of the undo holds, so that a single blocking query can
 * follow all of them.
 */
export const noticeKey = (statusDir: string): string => `${batonDir(statusDir)}undone-notice`

/**
 * Returns the prefix of the keys in which each replicator records the number of the last notice that it has confirmed.
 */
export const seenDir = (statusDir: string): string => `${batonDir(statusDir)}undone-seen/`

export async function writeHold(client: ConsulClient, statusDir: string, hold: UndoHold, call: Call): Promise<void> {
  const {id, mapping, keys} = hold
  const head = `${holdsDir(statusDir, mapping)}${id}`
  const parts = await encodeParts(keys)
  for (const [at, part] of parts.entries()) await client.kv.put(`${head}/${at}`, part, call)
  const fields = {Version: 1, ID: id, ...toFields(mapping), Count: keys.size, Parts: parts.length}
  await client.kv.put(head, Buffer.from(JSON.stringify(fields, null, 2)), call)
}

const toFields = ({source, datacenter, destination}: Mapping): Readonly<Record<string, unknown>> => ({
  Source: source,
  Datacenter: datacenter,
  Destination: destination,
})

export async function readHolds(
  client: ConsulClient,
  statusDir: string,
  mapping: Mapping,
  call: Call,
): Promise<readonly UndoHold[]> {
  const {value: entries} = await client.kv.list(holdsDir(statusDir, mapping), {...call, consistency: 'consistent'})
  const values = new Map(entries.map(({key, value}) => [key, value]))
  const holds: UndoHold[] = []
  for (const [key, value] of values) {
    const {Version: version, ID: id, Parts: count} = (headForm.test(key) && parseObject(value)) || {}
    if (version !== 1 || typeof id !== 'string' || !key.endsWith(`/${id}`) || !(Number(count) <= mostParts)) continue
    const parts = Array.from({length: Number(count)}, (_, at) => values.get(`${key}/${at}`) ?? Buffer.alloc(0))
    const keys = await decodeParts(parts)
    if (keys) holds.push({id, mapping, keys})
  }
  return holds
}

/** Removes one undo hold of a mapping. */
export async function removeHold(client: ConsulClient, statusDir: string, hold: UndoHold, call: Call): Promise<void> {
  const head = `${holdsDir(statusDir, hold.mapping)}${hold.id}`
  await client.kv.delete(head, call)
  await client.kv.deleteTree(`${head}/`, call)
}

/** Removes the undo holds with this ID, or all of them. Returns the number of removed holds. */
export async function releaseHolds(
  client: ConsulClient,
  {statusDir, id}: {readonly statusDir: string; readonly id: string | undefined},
  call: Call = {},
): Promise<number> {
  const root = `${batonDir(statusDir)}undone/`
  const {value: names} = await client.kv.keys(root, {...call, consistency: 'consistent'})
  const heads = names.filter(name => (id === undefined ? headForm.test(name) : name.endsWith(`/${id}`)))
  for (const head of heads) {
    await client.kv.delete(head, call)
    await client.kv.deleteTree(`${head}/`, call)
  }
  if (heads.length > 0) await giveNotice(client, statusDir, call)
  return heads.length
}

/** Writes a notice that the undo holds have changed. Returns the number of the notice. */
export async function giveNotice(client: ConsulClient, statusDir: string, call: Call): Promise<bigint> {
  const key = noticeKey(statusDir)
  await client.kv.put(
    key,
    Buffer.from(JSON.stringify({Version: 1, At: new Date(client.clock.wallMs()).toISOString()})),
    call,
  )
  const {value} = await client.kv.get(key, {...call, consistency: 'consistent'})
  return value?.modifyIndex ?? 0n
}
