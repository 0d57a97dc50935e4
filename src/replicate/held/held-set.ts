import {createHash} from 'node:crypto'
import {promisify} from 'node:util'
import {gunzip, gzip} from 'node:zlib'
import {forEachStep, type Steps} from '../steps.js'
import type {Mapping} from '../types.js'

/** Destination keys, each with the ModifyIndex that the key had when its delete was held back. */
export type HeldKeys = ReadonlyMap<string, bigint>

export type SetReason = 'empty-source' | 'limit' | 'budget'

/** Deletes that wait for an approval. A set never changes: later deletes form another set. */
export interface HeldSet {
  readonly id: string
  /**
   * Digest of the mapping, the keys and their indexes. An approval contains the digest of its set, so that it
   * cannot apply to another set.
   */
  readonly digest: string
  readonly mapping: Mapping
  readonly reason: SetReason
  /** The reason as a sentence for the operator. */
  readonly why: string
  readonly sinceMs: number
  readonly keys: HeldKeys
}

/**
 * The summary record of a set, which is stored in the key named after the set's ID. The names of the set's keys are
 * stored in parts below that key.
 */
export type HeldHead = Omit<HeldSet, 'keys'> & {readonly count: number; readonly partCount: number}

const partBytes = 262_144
const [compress, expand] = [promisify(gzip), promisify(gunzip)]

export function* digestSteps(mapping: Mapping, keys: HeldKeys): Steps<string> {
  const hash = createHash('sha256').update(JSON.stringify([mapping.source, mapping.datacenter, mapping.destination]))
  yield* forEachStep(keys, ([key, index]) => hash.update(JSON.stringify([key, String(index)])))
  return hash.digest('hex')
}

/** Returns the names of the keys in parts, each of which is small enough for one value in KV. */
export async function encodeParts(keys: HeldKeys): Promise<readonly Buffer[]> {
  const text = JSON.stringify([...keys].map(([key, index]) => [key, String(index)]))
  const whole = await compress(text)
  const count = Math.max(1, Math.ceil(whole.length / partBytes))
  return Array.from({length: count}, (_, at) => whole.subarray(at * partBytes, (at + 1) * partBytes))
}

/** Resolves with undefined if `encodeParts` did not write these parts. */
export async function decodeParts(parts: readonly Buffer[]): Promise<HeldKeys | undefined> {
  try {
    const list: unknown = JSON.parse((await expand(Buffer.concat(parts))).toString('utf8'))
    if (!Array.isArray(list)) return undefined
    const keys = new Map<string, bigint>()
    for (const pair of list as readonly unknown[]) {
      if (!Array.isArray(pair)) return undefined
      const [key, index] = pair as readonly unknown[]
      if (typeof key !== 'string' || typeof index !== 'string') return undefined
      keys.set(key, BigInt(index))
    }
    return keys
  } catch {
    return undefined
  }
}

export const encodeHead = (head: HeldHead): Buffer =>
  Buffer.from(
    JSON.stringify(
      {
        Version: 1,
        ID: head.id,
        Digest: head.digest,
        Source: head.mapping.source,
        Datacenter: head.mapping.datacenter,
        Destination: head.mapping.destination,
        Reason: head.reason,
        Why: head.why,
        Since: new Date(head.sinceMs).toISOString(),
        Count: head.count,
        Parts: head.partCount,
      },
      null,
      2,
    ),
  )

const reasons: readonly string[] = ['empty-source', 'limit', 'budget'] satisfies readonly SetReason[]
const mostParts = 1000

/** Returns undefined if `encodeHead` did not write this value. */
export function decodeHead(value: Buffer): HeldHead | undefined {
  const fields = parseObject(value)
  if (!fields || fields['Version'] !== 1) return undefined
  const {ID: id, Digest: digest, Source: source, Datacenter: datacenter, Destination: destination} = fields
  const {Reason: reason, Why: why, Since: since, Count: count, Parts: partCount} = fields
  const texts = [id, digest, source, destination, reason, why, since]
  if (!texts.every(text => typeof text === 'string') || !reasons.includes(reason as string)) return undefined
  if (datacenter !== undefined && typeof datacenter !== 'string') return undefined
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(partCount) || (partCount as number) > mostParts)
    return undefined
  return {
    id: id as string,
    digest: digest as string,
    mapping: {source: source as string, datacenter, destination: destination as string},
    reason: reason as SetReason,
    why: why as string,
    sinceMs: Date.parse(since as string) || 0,
    count: count as number,
    partCount: partCount as number,
  }
}

export function parseObject(value: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const fields: unknown = JSON.parse(value.toString('utf8'))
    return typeof fields === 'object' && fields !== null ? (fields as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
