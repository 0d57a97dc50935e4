import {createHash} from 'node:crypto'
import {stringifyConsulJson} from '../../core/http/json-bigint.js'
import type {Mapping} from '../types.js'
import {decodeReport, encodeReport, type ReplicatorReport} from './replicator-report.js'

export const defaultStatusDir = 'service/consul-replicate/statuses'

/** The position of a mapping (the index up to which it was copied), in the form of consul-replicate. */
export interface StatusRecord {
  /** All source keys up to this index are at the destination. */
  readonly lastReplicated: bigint
  readonly datacenter: string | undefined
  readonly keys: number
}

/** The content of a status key: consul-replicate's fields, and baton's own, which consul-replicate ignores. */
export interface StatusDocument {
  readonly source: string
  readonly destination: string
  /** The position up to which the mapping was copied; undefined if the key contains only a heartbeat. */
  readonly record: StatusRecord
  /** Time at which baton last wrote the position; undefined if consul-replicate wrote it. */
  readonly updatedAtMs: number | undefined
  /** The last report of each replicator of the mapping. */
  readonly replicators: readonly ReplicatorReport[]
}

const normalDir = (statusDir: string): string => statusDir.replace(/\/$/, '')

/** Returns the prefix of all status keys. */
export const statusPrefix = (statusDir: string): string => `${normalDir(statusDir)}/`

export function statusKey(statusDir: string, mapping: Mapping): string {
  const hash = createHash('md5').update(`${mapping.source}-${mapping.destination}`).digest('hex')
  return `${statusPrefix(statusDir)}${hash}`
}

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

/** Encodes a status: first consul-replicate's three fields in consul-replicate's form, then the fields of baton. */
export function encodeStatus({source, destination, record, updatedAtMs, replicators}: StatusDocument): Buffer {
  const text = stringifyConsulJson(
    {
      LastReplicated: record.lastReplicated,
      Source: source,
      Destination: destination,
      Datacenter: record.datacenter,
      Keys: record.keys,
      UpdatedAt: updatedAtMs === undefined ? undefined : new Date(updatedAtMs).toISOString(),
      Version: 1,
      Replicators: replicators.length === 0 ? undefined : replicators.map(encodeReport),
    },
    2,
  )
  return Buffer.from(text.replaceAll(/[<>&\u2028\u2029]/g, character => escapes[character] ?? character))
}

/**
 * Returns undefined if the value is not a status, so that it may be replaced. Field names may be in upper or
 * lower case, as in Go.
 */
export function decodeStatus(value: Buffer): StatusDocument | undefined {
  const text = value.toString('utf8')
  try {
    const given = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    const index = /"LastReplicated"\s*:\s*(\d+)/i.exec(text)?.[1]
    if (typeof given !== 'object' || given === null || index === undefined) return undefined
    const fields = new Map(Object.entries(given).map(([name, each]) => [name.toLowerCase(), each]))
    const [datacenter, keys, updatedAt] = ['datacenter', 'keys', 'updatedat'].map(name => fields.get(name))
    const replicators = fields.get('replicators')
    return {
      source: textOf(fields.get('source')),
      destination: textOf(fields.get('destination')),
      record: {
        lastReplicated: BigInt(index),
        datacenter: typeof datacenter === 'string' ? datacenter : undefined,
        keys: typeof keys === 'number' ? keys : -1,
      },
      updatedAtMs: typeof updatedAt === 'string' ? Date.parse(updatedAt) || undefined : undefined,
      replicators: Array.isArray(replicators) ? replicators.flatMap(decodeReport) : [],
    }
  } catch {
    return undefined
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const sameStatus = (a: StatusRecord | undefined, b: StatusRecord): boolean =>
  a !== undefined && a.lastReplicated === b.lastReplicated && a.datacenter === b.datacenter && a.keys === b.keys
