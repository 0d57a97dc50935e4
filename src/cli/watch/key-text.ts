import {isUtf8} from 'node:buffer'
import type {GoValue} from '../../core/api/go-json.js'
import type {Paint} from '../colour.js'
import {printable, printableLines} from '../exec/printable.js'

/**
 * Returns the state of a key for people: its name, its index and the decoded value. `value` is Consul's JSON, or null.
 */
export function keyText(key: string, value: GoValue, paint: Paint): string {
  const name = paint('bold', printable(key))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${name}: no such key`
  const {ModifyIndex: index, Flags: flags, Session: session, Value: base64} = value as Readonly<Record<string, GoValue>>
  const facts = [
    `index ${digits(index)}`,
    ...(digits(flags) === '0' ? [] : [`flags ${digits(flags)}`]),
    ...(typeof session === 'string' && session !== '' ? [`held by session ${printable(session)}`] : []),
  ]
  const bytes = Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64')
  return `${name} (${facts.join(', ')}):\n${bodyOf(bytes)}`
}

const digits = (value: GoValue | undefined): string => (typeof value === 'object' ? '' : String(value))

function bodyOf(bytes: Buffer): string {
  if (bytes.length === 0) return '(empty)'
  if (!isUtf8(bytes)) return `(${bytes.length} bytes that are not text: baton kv get --raw prints them)`
  return printableLines(bytes).toString().replace(/\n$/, '')
}
