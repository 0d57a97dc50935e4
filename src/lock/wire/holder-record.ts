import {hostname} from 'node:os'
import type {ConsulClient} from '../../core/client.js'
import type {KvEntry} from '../../core/types.js'

/** The holder, described for people and tools: the value of `.lock`. The Go tool ignores it. */
export interface HolderRecord {
  readonly host: string
  readonly pid: number
  /** First word of the command alone: the others may be secret. */
  readonly command?: string
  /** ISO 8601, by the holder's clock. */
  readonly since: string
}

const version = 1

export const encodeHolderRecord = (record: HolderRecord): Buffer => Buffer.from(JSON.stringify({v: version, ...record}))

/** `undefined` for values of other tools, and of versions to come that mean something else. */
export function parseHolderRecord(value: Uint8Array): HolderRecord | undefined {
  if (value.length === 0) return undefined
  try {
    const raw = JSON.parse(Buffer.from(value).toString('utf8')) as Record<string, unknown> | null
    if (raw?.v !== version) return undefined
    const {host, pid, command, since} = raw
    if (typeof host !== 'string' || typeof pid !== 'number' || typeof since !== 'string') return undefined
    return {host, pid, since, ...(typeof command === 'string' && {command})}
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

/** The holder as messages name it: by its record, or else by its session. */
export function describeHolder(entry: KvEntry): string {
  const record = parseHolderRecord(entry.value)
  return record ? `${record.command ?? 'a program'} on ${record.host}, pid ${record.pid}` : `session ${entry.session}`
}
