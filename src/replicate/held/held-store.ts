import type {ConsulClient} from '../../core/client.js'
import type {CallOptions, KvEntry} from '../../core/types.js'
import {runSteps} from '../steps.js'
import {decodeHead, decodeParts, digestSteps, encodeHead, encodeParts, type HeldHead, type HeldSet} from './held-set.js'

type Call = Pick<CallOptions, 'signal'>

/**
 * The summary record of a stored set of held-back deletes, with the record's key and ModifyIndex. Every writer of the
 * set also writes this record.
 */
export interface KeptHead {
  readonly head: HeldHead
  readonly key: string
  readonly index: bigint
}

const partKey = (headKey: string, at: number): string => `${headKey}/${at}`

/** Writes the parts with the key names before the summary record, so that a set with a summary record is complete. */
export async function writeSet(client: ConsulClient, dir: string, set: HeldSet, call: Call): Promise<void> {
  const parts = await encodeParts(set.keys)
  const key = `${dir}${set.id}`
  for (const [at, part] of parts.entries()) await client.kv.put(partKey(key, at), part, call)
  const {keys, ...head} = set
  await client.kv.put(key, encodeHead({...head, count: keys.size, partCount: parts.length}), call)
}

export async function removeSet(client: ConsulClient, dir: string, id: string, call: Call): Promise<void> {
  await client.kv.delete(`${dir}${id}`, call)
  await client.kv.deleteTree(`${dir}${id}/`, call)
}

const headForm = /\/held\/[0-9a-f]{8}$/

/** Returns the summary records of all sets of held-back deletes below a prefix, oldest first. */
export async function readHeads(client: ConsulClient, prefix: string, call: Call): Promise<readonly KeptHead[]> {
  const {value: names} = await client.kv.keys(prefix, {...call, consistency: 'consistent'})
  const heads: KeptHead[] = []
  for (const name of names.filter(each => headForm.test(each))) {
    const kept = await readHead(client, name, call)
    if (kept) heads.push(kept)
  }
  return heads.sort((a, b) => a.head.sinceMs - b.head.sinceMs)
}

async function readHead(client: ConsulClient, key: string, call: Call): Promise<KeptHead | undefined> {
  const {value: entry} = await client.kv.get(key, {...call, consistency: 'consistent'})
  const head = entry && decodeHead(entry.value)
  return entry && head && key.endsWith(`/${head.id}`) ? {head, key, index: entry.modifyIndex} : undefined
}

/** Resolves with undefined if a part is missing or the names do not match the summary record. */
export async function readSet(client: ConsulClient, kept: KeptHead, call: Call): Promise<HeldSet | undefined> {
  const {head, key} = kept
  const parts: KvEntry[] = []
  for (let at = 0; at < head.partCount; at += 1) {
    const {value} = await client.kv.get(partKey(key, at), {...call, consistency: 'consistent'})
    if (!value) return undefined
    parts.push(value)
  }
  const keys = await decodeParts(parts.map(({value}) => value))
  if (!keys || keys.size !== head.count) return undefined
  const digest = await runSteps(digestSteps(head.mapping, keys), client.clock, call.signal)
  const {count: _, partCount: __, ...rest} = head
  return digest === head.digest ? {...rest, keys} : undefined
}
