import {lookup} from 'node:dns/promises'
import {readFileSync} from 'node:fs'
import type {Finding} from './types.js'

const established = '01'
/** Default limit on the connections that an agent accepts from one address. */
const defaultLimit = 200
/** A closed connection counts until the agent has finished its request, which may be a blocking query. */
const stillCounted = ': the agent may still count closed ones, until the wait of their blocking queries is over'

/**
 * Returns the number of established connections from this machine to one of the hosts at the port. `tables` are the
 * contents of /proc/net/tcp and tcp6.
 */
export function countConnections(tables: readonly string[], hosts: readonly string[], port: number): number {
  const wanted = new Set(hosts.flatMap(host => toHex(host)).map(hex => `${hex}:${toPort(port)}`))
  const rows = tables.flatMap(table => table.split('\n').slice(1))
  return rows.filter(row => {
    const [, , remote = '', state] = row.trim().split(/\s+/)
    return state === established && wanted.has(remote)
  }).length
}

const toPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

/**
 * Returns an address in the kernel's notation: 32-bit words in the machine's byte order. An IPv4 address is also
 * returned in its IPv6 form.
 */
function toHex(host: string): string[] {
  if (host.includes(':')) return [toWords(expandV6(host))]
  const bytes = host.split('.').map(Number)
  if (bytes.length !== 4 || bytes.some(byte => !(byte >= 0 && byte <= 255))) return []
  return [toWords(bytes), toWords([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...bytes])]
}

function toWords(bytes: readonly number[]): string {
  const buffer = Buffer.from(bytes)
  for (let at = 0; at < buffer.length; at += 4) buffer.subarray(at, at + 4).reverse()
  return buffer.toString('hex').toUpperCase()
}

function expandV6(host: string): number[] {
  const [head = '', tail] = host.split('::')
  const toGroups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
  const [before, after] = [toGroups(head), toGroups(tail ?? '')]
  const zeros = new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0)
  return [...before, ...zeros, ...after].flatMap(group => [group >> 8, group & 255])
}

export interface ConnectionsOptions {
  readonly host: string
  readonly port: number
  /** Maximum number of connections that the agent accepts from one address; 0: no limit; undefined if it is unknown. */
  readonly limit: number | undefined
  /** False if the agent does not answer. Then every connection can be the cause. */
  readonly hasAnswered: boolean
  /** True if the agent reset a connection. */
  readonly wasReset: boolean
  /** Returns the contents of the tables, for tests. @default reads /proc/net/tcp and tcp6 */
  readonly readTables?: () => readonly string[]
}

/** Counts the connections of all processes on this machine, as the agent does. */
export async function examineConnections(options: ConnectionsOptions): Promise<Finding> {
  const {host, port, limit, hasAnswered, wasReset} = options
  let count: number
  try {
    const tables = (options.readTables ?? readProc)()
    const hosts = (await lookup(host, {all: true})).map(found => found.address)
    count = countConnections(tables, hosts, port)
  } catch {
    return {check: 'connections', verdict: 'ok', text: 'cannot be counted on this system'}
  }
  if (limit === 0) {
    return {check: 'connections', verdict: 'ok', text: `${count} from this machine to the agent, which has no limit`}
  }
  const text =
    limit === undefined
      ? `${count} from this machine to the agent, whose limit is unknown (${defaultLimit} by default)`
      : `${count} of ${limit} from this machine to the agent`
  const isNear = hasAnswered ? count >= (limit ?? defaultLimit) * 0.75 : count > 0
  if (!isNear) return {check: 'connections', verdict: 'ok', text: wasReset ? `${text}${stillCounted}` : text}
  return {
    check: 'connections',
    verdict: 'warn',
    text: `${text}: connections above the limit are reset`,
    fix: 'raise limits.http_max_conns_per_client of the agent, or find the processes that hold them: ss -tnp',
  }
}

/** Works only on Linux, and throws elsewhere. */
const readProc = (): string[] => [readFileSync('/proc/net/tcp', 'latin1'), readFileSync('/proc/net/tcp6', 'latin1')]
