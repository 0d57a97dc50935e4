import {createHash} from 'node:crypto'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {NodeTransport} from '../../../src/core/http/node-transport.js'
import type {KvEntry, KvOperation, TransportRequest} from '../../../src/core/types.js'
import {listEntries} from '../../../src/replicate/pass/list-entries.js'
import {likeVersion} from '../../kit/backend.js'

export const bytes = (text: string): Buffer => Buffer.from(text)

/** A client that records the requests that it sent. */
export interface CountingClient extends ConsulClient {
  readonly requests: TransportRequest[]
  /** Returns the requests that may have changed something. */
  readonly writes: () => readonly TransportRequest[]
}

export function countingClient(address: string, token?: string): CountingClient {
  const requests: TransportRequest[] = []
  const client = createClient({
    address,
    ...(token !== undefined && {token}),
    transport: options => {
      const inner = new NodeTransport(options)
      return {
        send: request => {
          requests.push(request)
          return inner.send(request)
        },
        [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
      }
    },
  })
  return {...client, requests, writes: () => requests.filter(isWrite)}
}

/** True for requests that write. A transaction that only reads does not count. */
const isWrite = (request: TransportRequest): boolean =>
  request.method === 'DELETE' ||
  (request.method === 'PUT' &&
    !(
      request.path.startsWith('/v1/txn') &&
      !/"Verb":"(set|delete)"/.test(String(request.body && Buffer.from(request.body)))
    ))

export interface Pair {
  readonly key: string
  readonly value: Uint8Array
  readonly flags?: bigint
}

/** Writes keys in transactions, because those accept every name. */
export async function seed(client: ConsulClient, datacenter: string, pairs: readonly Pair[]): Promise<void> {
  for (let at = 0; at < pairs.length; at += 64) {
    const operations: KvOperation[] = pairs.slice(at, at + 64).map(pair => ({verb: 'set', ...pair}))
    const result = await client.txn.commit(operations, {datacenter})
    if (!result.committed) throw new Error(`seed refused: ${result.errors[0]?.what}`)
  }
}

async function entriesOf(client: ConsulClient, datacenter: string, prefix: string): Promise<readonly KvEntry[]> {
  return (await listEntries(client, prefix, {datacenter})).value
}

/**
 * Returns the content that must be equal at source and destination: names without the prefix, hashes of values, and
 * flags.
 */
export async function contentOf(
  client: ConsulClient,
  datacenter: string,
  prefix: string,
): Promise<Map<string, string>> {
  const entries = await entriesOf(client, datacenter, prefix)
  return new Map(
    entries.map(entry => [
      entry.key.slice(prefix.length),
      `${createHash('sha256').update(entry.value).digest('hex')} ${entry.flags}`,
    ]),
  )
}

/** Returns the ModifyIndex of each key, which stays the same if nothing is written. */
export async function indexesOf(client: ConsulClient, datacenter: string, prefix: string): Promise<readonly string[]> {
  return (await entriesOf(client, datacenter, prefix)).map(entry => `${entry.key} ${entry.modifyIndex}`)
}

const allOddNames = [
  'space in name',
  ' lead',
  'trail ',
  'per%25cent',
  'per%zzcent',
  'sla%2Fsh',
  'que?ry',
  'ha#sh',
  'pl+us',
  'am&per',
  'co:lon',
  'a@t',
  'se;mi',
  `quo"te`,
  `apo'strophe`,
  'back\\slash',
  'caf\u00e9',
  'cafe\u0301',
  '\u{1f600}',
  'trailing/',
  'dou//ble',
  'x/./y',
  'x/../y',
  'tab\there',
  'line\nfeed',
  'nul\u0000l',
  'del\u007f',
  '<tag>&',
  '/lead-slash',
  '},{"LockIndex":1',
  '\u2028sep',
]

/**
 * Newer versions of Consul refuse keys with `..` segments, and keys that begin or end with a space.
 */
export const oddNames = allOddNames.filter(
  name => likeVersion === undefined || (name === name.trimEnd() && !name.includes('..')),
)

/** Returns bytes in a fixed pattern that contains all byte values. */
export function allBytes(seedValue: number, length: number): Buffer {
  const out = Buffer.alloc(length)
  let state = seedValue * 2_654_435_761
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    out[at] = state >>> 16
  }
  return out
}

export const wideFlags = [0n, 1n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]
