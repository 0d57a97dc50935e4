import type {LocalService} from './local-agent.js'

/**
 * Returns the hash that Consul computes for a service of an agent: FNV-1 over names and values. The order of struct
 * fields and of map entries does not matter; the order of a list does.
 */
export function contentHash(row: LocalService): string {
  const hash = struct('AgentService', {
    Kind: text(row.kind),
    ID: text(row.id),
    Service: text(row.name),
    Tags: list((row.tags ?? []).map(text)),
    Meta: map([...(row.meta ?? [])].map(([key, value]) => [key, text(value)])),
    Port: integer(row.port),
    Address: text(row.address),
    TaggedAddresses: map(
      [...(row.taggedAddresses ?? [])].map(([key, {address, port}]) => [
        key,
        struct('ServiceAddress', {Address: text(address), Port: integer(port)}),
      ]),
    ),
    Weights: struct('AgentWeights', {Passing: integer(row.weights.passing), Warning: integer(row.weights.warning)}),
    EnableTagOverride: fnv(Buffer.of(row.enableTagOverride ? 1 : 0)),
    CreateIndex: integer(0),
    ModifyIndex: integer(0),
    ContentHash: text(''),
    Proxy: integer(0),
    Connect: integer(0),
  })
  return hash.toString(16)
}

const [offset, prime, mask] = [14_695_981_039_346_656_037n, 1_099_511_628_211n, 2n ** 64n - 1n]

function fnv(bytes: Buffer): bigint {
  let hash = offset
  for (const byte of bytes) hash = ((hash * prime) & mask) ^ BigInt(byte)
  return hash
}

const text = (value: string): bigint => fnv(Buffer.from(value))

function integer(value: number): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(value))
  return fnv(bytes)
}

function pair(first: bigint, second: bigint): bigint {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(first, 0)
  bytes.writeBigUInt64LE(second, 8)
  return fnv(bytes)
}

const list = (hashes: readonly bigint[]): bigint => hashes.reduce(pair, 0n)

const map = (entries: readonly (readonly [string, bigint])[], start = 0n): bigint =>
  entries.reduce((hash, [key, value]) => hash ^ pair(text(key), value), start)

const struct = (name: string, fields: Readonly<Record<string, bigint>>): bigint =>
  map(Object.entries(fields), text(name))
