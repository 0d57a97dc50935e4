import {UsageError} from '../errors.js'
import {type Answer, badAnswer, type Call, type Caller, toSnapshot} from '../http/caller.js'
import type {BlockingReadOptions, CallOptions, KvEntry, SessionId, Snapshot} from '../types.js'
import {decodeJson} from './json.js'

/** A key as Consul writes it in JSON, after {@link decodeJson}. */
export interface RawKvEntry {
  readonly Key: string
  readonly Value: string | null
  readonly Flags: bigint
  readonly Session?: string
  readonly CreateIndex: bigint
  readonly ModifyIndex: bigint
  readonly LockIndex: bigint
}

export function toKvEntry(raw: RawKvEntry): KvEntry {
  return {
    key: raw.Key,
    value: Buffer.from(raw.Value ?? '', 'base64'),
    flags: raw.Flags,
    session: raw.Session as SessionId | undefined,
    createIndex: raw.CreateIndex,
    modifyIndex: raw.ModifyIndex,
    lockIndex: raw.LockIndex,
  }
}

/** What a write may carry besides the value. */
export interface KvWriteOptions extends CallOptions {
  /** Absent resets the key's flags to 0: every write to a lock's key must carry them. */
  readonly flags?: bigint
}

/** Keys and values. Contention is a value: `cas`, `acquire`, `release` and `deleteCas` say false. */
export interface KvApi {
  /** `undefined` when the key does not exist. */
  get(key: string, options?: BlockingReadOptions): Promise<Snapshot<KvEntry | undefined>>
  /** All keys that start with `prefix`, in byte order; empty when there are none or none may be read. */
  list(prefix: string, options?: BlockingReadOptions): Promise<Snapshot<readonly KvEntry[]>>
  keys(
    prefix: string,
    options?: BlockingReadOptions & {readonly separator?: string},
  ): Promise<Snapshot<readonly string[]>>
  put(key: string, value: Uint8Array, options?: KvWriteOptions): Promise<void>
  /** Writes if the key's ModifyIndex is `index`, or, with 0, if it does not exist. False when it is not so. */
  cas(key: string, value: Uint8Array, options: KvWriteOptions & {readonly index: bigint}): Promise<boolean>
  acquire(key: string, value: Uint8Array, options: KvWriteOptions & {readonly session: SessionId}): Promise<boolean>
  release(key: string, value: Uint8Array, options: KvWriteOptions & {readonly session: SessionId}): Promise<boolean>
  delete(key: string, options?: CallOptions): Promise<void>
  /** True when deleted or not there. */
  deleteCas(key: string, options: CallOptions & {readonly index: bigint}): Promise<boolean>
  /** Deletes every key that starts with `prefix`, byte for byte: `a` includes `ab`. */
  deleteTree(prefix: string, options?: CallOptions): Promise<void>
}

const found = [200, 404]

/** Percent-encodes a key for a path. Refuses names that a path cannot carry: Consul would redirect, and a redirected PUT is lost. */
export function encodeKey(key: string): string {
  if (key.startsWith('/')) {
    throw new UsageError(`Invalid key. Key must not begin with a '/': ${key}`)
  }
  const segments = key.split('/')
  if (
    segments.some((part, at) => part === '.' || part === '..' || (part === '' && at < segments.length - 1 && at > 0))
  ) {
    throw new UsageError(`key ${key}: a path cannot carry empty, '.' or '..' segments`, {
      hint: 'only a transaction can reach such a key',
    })
  }
  return segments.map(encodeURIComponent).join('/')
}

export function createKvApi(caller: Caller): KvApi {
  const toEntries = (answer: Answer): readonly KvEntry[] =>
    answer.status === 404 ? [] : decodeJson<RawKvEntry[]>('kv list', answer).map(toKvEntry)

  /** Consul answers every kv write with `true` or `false`. */
  async function write(call: Call, key: string, options: CallOptions): Promise<boolean> {
    const answer = await caller.call({...call, path: `/v1/kv/${encodeKey(key)}`}, options)
    const text = answer.body.toString('utf8').trim()
    if (text !== 'true' && text !== 'false') throw badAnswer(`kv ${call.method} ${key}`, answer)
    return text === 'true'
  }
  const put = (key: string, body: Uint8Array, query: Call['query'], options: KvWriteOptions): Promise<boolean> =>
    write({method: 'PUT', path: '', query: {...query, flags: options.flags?.toString()}, body}, key, options)

  return {
    async get(key, options) {
      const answer = await caller.call({method: 'GET', path: `/v1/kv/${encodeKey(key)}`, accept: found}, options)
      return toSnapshot(answer, toEntries(answer)[0])
    },
    async list(prefix, options) {
      const path = `/v1/kv/${encodeKey(prefix)}`
      const answer = await caller.call({method: 'GET', path, query: {recurse: true}, accept: found}, options)
      return toSnapshot(answer, toEntries(answer))
    },
    async keys(prefix, options = {}) {
      const path = `/v1/kv/${encodeKey(prefix)}`
      const query = {keys: true, separator: options.separator} as const
      const answer = await caller.call({method: 'GET', path, query, accept: found}, options)
      return toSnapshot(answer, answer.status === 404 ? [] : decodeJson<string[]>('kv keys', answer))
    },
    async put(key, value, options = {}) {
      await put(key, value, {}, options)
    },
    cas: (key, value, options) => put(key, value, {cas: options.index.toString()}, options),
    acquire: (key, value, options) => put(key, value, {acquire: options.session}, options),
    release: (key, value, options) => put(key, value, {release: options.session}, options),
    async delete(key, options = {}) {
      await write({method: 'DELETE', path: ''}, key, options)
    },
    deleteCas: (key, options) =>
      write({method: 'DELETE', path: '', query: {cas: options.index.toString()}}, key, options),
    async deleteTree(prefix, options = {}) {
      await write({method: 'DELETE', path: '', query: {recurse: true}}, prefix, options)
    },
  }
}
