import type {Mapping} from '../types.js'

/** The first line of a file: the facts about its pass. */
export interface JournalHeader {
  readonly pass: string
  readonly mapping: Mapping
  /** Address of the destination. */
  readonly address: string
  readonly atMs: number
}

/** The content of one key before the pass. */
export interface JournalLine {
  readonly key: string
  readonly value: Buffer
  readonly flags: bigint
  /** Hash of the content that the pass wrote; undefined if the pass deleted the key. */
  readonly written: string | undefined
  /** ModifyIndex of the source key when the pass copied it; 0 for a delete. */
  readonly sourceIndex: bigint
}

const version = 1

export const encodeHeader = ({pass, mapping, address, atMs}: JournalHeader): string =>
  `${JSON.stringify({v: version, pass, ...mapping, address, at: new Date(atMs).toISOString()})}\n`

export const encodeLine = ({key, value, flags, written, sourceIndex}: JournalLine): string =>
  `${JSON.stringify({k: key, v: value.toString('base64'), f: String(flags), w: written, s: String(sourceIndex)})}\n`

type Fields = Readonly<Record<string, unknown>>

function parse(line: string): Fields | undefined {
  try {
    const fields: unknown = JSON.parse(line)
    return typeof fields === 'object' && fields !== null ? (fields as Fields) : undefined
  } catch {
    return undefined
  }
}

/** Returns undefined if `encodeHeader` did not write this line. */
export function decodeHeader(line: string): JournalHeader | undefined {
  const fields = parse(line)
  const {v, pass, source, datacenter, destination, address, at} = fields ?? {}
  if (v !== version || typeof pass !== 'string' || typeof source !== 'string') return undefined
  if (typeof destination !== 'string' || typeof address !== 'string' || typeof at !== 'string') return undefined
  const atMs = Date.parse(at)
  if (Number.isNaN(atMs) || (datacenter !== undefined && typeof datacenter !== 'string')) return undefined
  return {pass, mapping: {source, datacenter, destination}, address, atMs}
}

const number = /^\d{1,20}$/

/**
 * Returns undefined for an incomplete line. The process was then killed while it wrote the line, before the
 * pass changed the key.
 */
export function decodeLine(line: string): JournalLine | undefined {
  const {k, v, f, w, s} = parse(line) ?? {}
  if (typeof k !== 'string' || typeof v !== 'string' || typeof f !== 'string' || typeof s !== 'string') return undefined
  if (!number.test(f) || !number.test(s) || (w !== undefined && typeof w !== 'string')) return undefined
  return {key: k, value: Buffer.from(v, 'base64'), flags: BigInt(f), written: w, sourceIndex: BigInt(s)}
}
