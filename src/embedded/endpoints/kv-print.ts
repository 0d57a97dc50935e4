import {fromBytes} from '../go/bytes.js'
import {printString} from '../go/json-print.js'
import type {KvRow} from '../store/kv.js'

/** Returns an entry in the form that the KV endpoint and transactions share. */
export function printRow(row: KvRow, withValue = true): string {
  const value = withValue && row.value.length > 0 ? `"${row.value.toString('base64')}"` : 'null'
  const session = row.session === '' ? '' : `,"Session":"${row.session}"`
  return `{"LockIndex":${row.lockIndex},"Key":${printKey(row.key)},"Flags":${row.flags},"Value":${value}${session},"CreateIndex":${row.createIndex},"ModifyIndex":${row.modifyIndex}}`
}

export const printKey = (key: string): string => printString(fromBytes(key))
