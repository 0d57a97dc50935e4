import {createHash} from 'node:crypto'
import {stringifyConsulJson} from '../../core/http/json-bigint.js'
import type {Mapping} from '../types.js'

export const defaultStatusDir = 'service/consul-replicate/statuses'

/** The position of a mapping, as consul-replicate keeps it, and fields of baton that it ignores. It is only a report: no decision depends on it. */
export interface StatusRecord {
  /** Source keys up to this index are at the destination. */
  readonly lastReplicated: bigint
  readonly datacenter: string | undefined
  readonly keys: number
}

export function statusKey(statusDir: string, mapping: Mapping): string {
  const hash = createHash('md5').update(`${mapping.source}-${mapping.destination}`).digest('hex')
  return `${statusDir.replace(/\/$/, '')}/${hash}`
}

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

/** Encodes a status: consul-replicate's three fields first and as it writes them, then baton's own. */
export function encodeStatus(mapping: Mapping, record: StatusRecord, updatedAtMs: number): Buffer {
  const text = stringifyConsulJson(
    {
      LastReplicated: record.lastReplicated,
      Source: mapping.source,
      Destination: mapping.destination,
      Datacenter: record.datacenter,
      Keys: record.keys,
      UpdatedAt: new Date(updatedAtMs).toISOString(),
      Version: 1,
    },
    2,
  )
  return Buffer.from(text.replaceAll(/[<>&\u2028\u2029]/g, character => escapes[character] ?? character))
}

/** Returns undefined if the value is not a status: it is then replaced. */
export function decodeStatus(value: Buffer): StatusRecord | undefined {
  const text = value.toString('utf8')
  try {
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    const index = /"LastReplicated"\s*:\s*(\d+)/i.exec(text)?.[1]
    if (typeof fields !== 'object' || fields === null || index === undefined) return undefined
    return {
      lastReplicated: BigInt(index),
      datacenter: typeof fields['Datacenter'] === 'string' ? fields['Datacenter'] : undefined,
      keys: typeof fields['Keys'] === 'number' ? fields['Keys'] : -1,
    }
  } catch {
    return undefined
  }
}

export const sameStatus = (a: StatusRecord | undefined, b: StatusRecord): boolean =>
  a !== undefined && a.lastReplicated === b.lastReplicated && a.datacenter === b.datacenter && a.keys === b.keys
