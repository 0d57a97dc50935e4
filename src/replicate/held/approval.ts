import {hostname} from 'node:os'
import type {ConsulClient} from '../../core/client.js'
import {BatonError} from '../../core/errors.js'
import type {CallOptions} from '../../core/types.js'
import type {Mapping} from '../types.js'
import {type HeldHead, parseObject} from './held-set.js'
import {type KeptHead, readHeads, readSet} from './held-store.js'
import {batonDir, mappingPaths} from './paths.js'

/** Lifetime of an approval that no replicator has used. */
export const approvalLifeMs = 24 * 3_600_000

/** An approval as it is stored in its key. */
export interface Approval {
  readonly id: string
  /** Digest of the approved set of held-back deletes. */
  readonly digest: string
  readonly atMs: number
}

export function decodeApproval(value: Buffer): Approval | undefined {
  const fields = parseObject(value)
  const {ID: id, Digest: digest, At: at} = fields ?? {}
  if (fields?.['Version'] !== 1 || typeof id !== 'string' || typeof digest !== 'string' || typeof at !== 'string') {
    return undefined
  }
  return {id, digest, atMs: Date.parse(at) || 0}
}

/**
 * `unknown`: no set of held-back deletes has this ID. `done`: the set is now approved. `approved`: the set was already
 * approved, and no replicator has made its deletes yet.
 */
export type ApproveResult =
  | {readonly outcome: 'done' | 'approved'; readonly mapping: Mapping; readonly count: number}
  | {readonly outcome: 'unknown'}

type Call = Pick<CallOptions, 'signal'>

/**
 * Approves a set of held-back deletes. The running replicator, or else the next one that starts, makes these deletes.
 * The approval covers the keys that the set contains now.
 */
export async function approveHeld(
  client: ConsulClient,
  {id, statusDir}: {readonly id: string; readonly statusDir: string},
  call: Call = {},
): Promise<ApproveResult> {
  for (;;) {
    const kept = (await readAll(client, statusDir, call)).find(({head}) => head.id === id)
    if (!kept) return {outcome: 'unknown'}
    const {mapping, count} = kept.head
    const key = approvalKey(statusDir, kept)
    const known = (await client.kv.get(key, {...call, consistency: 'consistent'})).value
    const nowMs = client.clock.wallMs()
    if (isCurrent(known && decodeApproval(known.value), kept, nowMs)) return {outcome: 'approved', mapping, count}
    const result = await client.txn.commit(
      [
        {verb: 'check-index', key: kept.key, index: kept.index},
        {verb: 'cas', key, value: encodeApproval(kept, nowMs), index: known?.modifyIndex ?? 0n},
      ],
      call,
    )
    if (result.committed) return {outcome: 'done', mapping, count}
    // Another client has written the set or its approval in the meantime, so both are read again.
    const other = result.errors.find(({what}) => !/index is stale|current modify index/.test(what))
    if (other)
      throw new BatonError(
        /Permission denied/.test(other.what) ? 'BATON_ACL_DENIED' : 'BATON_HTTP',
        `approval of ${id}: ${other.what}`,
      )
  }
}

/**
 * Reads the summary records of all sets of held-back deletes. Ignores a set that was copied to the folder of another
 * mapping.
 */
async function readAll(client: ConsulClient, statusDir: string, call: Call): Promise<readonly KeptHead[]> {
  const heads = await readHeads(client, batonDir(statusDir), call)
  return heads.filter(({head, key}) => key === `${mappingPaths(statusDir, head.mapping).held}${head.id}`)
}

/** A set of held-back deletes, for display. */
export interface HeldReport extends Pick<HeldHead, 'id' | 'mapping' | 'reason' | 'why' | 'sinceMs'> {
  /** True if the set is approved, and no replicator has made its deletes yet. */
  readonly isApproved: boolean
  /** All destination keys of the set. */
  readonly keys: readonly string[]
}

/** Returns the sets of held-back deletes that are stored for the mappings of a status directory, oldest first. */
export async function readHeld(
  client: ConsulClient,
  statusDir: string,
  call: Call = {},
): Promise<readonly HeldReport[]> {
  const nowMs = client.clock.wallMs()
  const reports: HeldReport[] = []
  for (const kept of await readAll(client, statusDir, call)) {
    const set = await readSet(client, kept, call)
    const {value} = await client.kv.get(approvalKey(statusDir, kept), {...call, consistency: 'consistent'})
    if (!set) continue
    const {id, mapping, reason, why, sinceMs} = set
    const isApproved = isCurrent(value && decodeApproval(value.value), kept, nowMs)
    reports.push({id, mapping, reason, why, sinceMs, isApproved, keys: [...set.keys.keys()]})
  }
  return reports
}

const approvalKey = (statusDir: string, {head}: KeptHead): string =>
  `${mappingPaths(statusDir, head.mapping).approved}${head.id}`

const isCurrent = (approval: Approval | undefined, {head}: KeptHead, nowMs: number): boolean =>
  approval !== undefined && approval.digest === head.digest && nowMs - approval.atMs < approvalLifeMs

const encodeApproval = ({head}: KeptHead, nowMs: number): Buffer =>
  Buffer.from(
    JSON.stringify(
      {Version: 1, ID: head.id, Digest: head.digest, At: new Date(nowMs).toISOString(), Host: hostname()},
      null,
      2,
    ),
  )
