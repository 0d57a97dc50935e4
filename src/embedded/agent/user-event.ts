import type {Printable} from '../go/json-print.js'

export interface UserEventRow {
  readonly id: string
  readonly name: string
  readonly payload: Buffer | undefined
  readonly nodeFilter: string
  readonly serviceFilter: string
  readonly tagFilter: string
  readonly lTime: bigint
}

/**
 * Returns the index that a list of events has if its last event has this ID: the two halves of the ID, combined by
 * exclusive-or.
 */
export function eventIndex(id: string): bigint {
  const hex = id.replaceAll('-', '')
  return BigInt(`0x${hex.slice(0, 16)}`) ^ BigInt(`0x${hex.slice(16)}`)
}

export const printableEvent = (event: UserEventRow): Printable => ({
  ID: event.id,
  Name: event.name,
  Payload: event.payload?.toString('base64') ?? null,
  NodeFilter: event.nodeFilter,
  ServiceFilter: event.serviceFilter,
  TagFilter: event.tagFilter,
  Version: 1,
  LTime: event.lTime,
})
