import {hostname} from 'node:os'
import type {ConsulClient} from '../../core/client.js'
import type {KvEntry} from '../../core/types.js'

/** Description of the holder for people and tools: the value of `.lock`. `consul lock` ignores it. */
export interface HolderRecord {
  /** Name of the holder's host. */
  readonly host: string
  /** ID of the holder's process on that host. */
  readonly pid: number
  /** First word of the command. Its arguments are left out because they may contain secrets. */
  readonly command?: string
  /** Time of the acquisition by the holder's clock, in ISO 8601. */
  readonly since: string
}

const version = 1

export const encodeHolderRecord = (record: HolderRecord): Buffer => Buffer.from(JSON.stringify({v: version, ...record}))

/**
 * Returns the record of a holder that was handed the lock by the previous holder and has not proven yet that it is
 * alive. For `owedTurns`, see {@link owedTurnsOf}.
 */
export const encodeReceiver = (record: HolderRecord, owedTurns = 0): Buffer =>
  Buffer.from(JSON.stringify({v: version, ...record, handed: true, ...(owedTurns > 0 && {owedTurns})}))

/**
 * Returns the value of a free key that is offered to contenders outside the queue. `record` is that of the holder that
 * released it.
 */
export const encodeOffer = (record: HolderRecord): Buffer =>
  Buffer.from(JSON.stringify({v: version, ...record, offered: true}))

/** True if the free key is offered to contenders outside the queue, so that those in the queue take it later. */
export const isOffered = (value: Uint8Array): boolean => parse(value)?.offered === true

/**
 * Returns how many turns the contenders in the queue have, after that of the receiver of this record, before the lock
 * is offered to others.
 */
export const owedTurnsOf = (value: Uint8Array): number => {
  const {owedTurns} = parse(value) ?? {}
  return Number.isSafeInteger(owedTurns) ? Math.max(0, owedTurns as number) : 0
}

/**
 * True if the holder was handed the lock by the previous one and has not proven yet that it is alive. Only
 * such a holder may be passed over.
 */
export const isUnproven = (value: Uint8Array): boolean => parse(value)?.handed === true

/**
 * Parses a record. Returns undefined for values of other tools, and for values of later versions of baton
 * that have another meaning.
 */
export function parseHolderRecord(value: Uint8Array): HolderRecord | undefined {
  const {host, pid, command, since} = parse(value) ?? {}
  if (typeof host !== 'string' || typeof pid !== 'number' || typeof since !== 'string') return undefined
  return {host, pid, since, ...(typeof command === 'string' && {command})}
}

function parse(value: Uint8Array): Record<string, unknown> | undefined {
  if (value.length === 0) return undefined
  try {
    const raw = JSON.parse(Buffer.from(value).toString('utf8')) as Record<string, unknown> | null
    return raw?.v === version ? raw : undefined
  } catch {
    return undefined
  }
}

export function ownRecord(client: ConsulClient, options: {readonly command?: string}): HolderRecord {
  return {
    host: hostname(),
    pid: process.pid,
    since: new Date(client.clock.wallMs()).toISOString(),
    ...(options.command !== undefined && {command: options.command}),
  }
}

/**
 * Describes the holder and the time of the acquisition for messages. The holder is described by its record
 * or, if it has none, by its session.
 */
export function describeHolder(entry: KvEntry): {readonly holder: string; readonly heldSince?: string} {
  const record = parseHolderRecord(entry.value)
  if (!record) return {holder: `session ${entry.session}`}
  const {command = 'a program', host, pid, since} = record
  return {holder: `${command} on ${host}, pid ${pid}`, heldSince: since}
}
