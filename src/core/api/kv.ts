import {brief} from '../brief.js'
import {checkOptions, name, text, textOrBytes, uint64} from '../check-options.js'
import {UsageError} from '../errors.js'
import {type Answer, badAnswer, type Call, type Caller, toSnapshot} from '../http/caller.js'
import type {BlockingReadOptions, CallOptions, Clock, KvEntry, KvValue, Random, SessionId, Snapshot} from '../types.js'
import {decodeJson} from './json.js'
import {createKvUpdate, type KvChange, type KvUpdateOptions, type KvUpdateResult} from './kv-update.js'

/** A key in Consul's JSON form, as {@link decodeJson} returns it. */
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

/** Options of a write. */
export interface KvWriteOptions extends CallOptions {
  /** Flags of the key. Without them the key's flags become 0, so every write to a lock's key must carry them. */
  readonly flags?: bigint
}

/**
 * Keys and values. `cas`, `acquire`, `release` and `deleteCas` resolve with false, instead of rejecting, if their
 * condition is not met. A read with `index` blocks. Keys that a URL path cannot contain are refused with a UsageError.
 */
export interface KvApi {
  /**
   * Returns one key, or `undefined` if it does not exist. Rejects with a PermissionError if the token may not
   * read the key.
   */
  get(key: string, options?: BlockingReadOptions): Promise<Snapshot<KvEntry | undefined>>
  /**
   * Returns all keys that start with `prefix`, in byte order. The list is empty if no such key exists or the
   * token may read none.
   */
  list(prefix: string, options?: BlockingReadOptions): Promise<Snapshot<readonly KvEntry[]>>
  /**
   * Returns the names of all keys that start with `prefix`. With `separator`, each name is cut after the first
   * separator that follows the prefix.
   */
  keys(
    prefix: string,
    options?: BlockingReadOptions & {readonly separator?: string},
  ): Promise<Snapshot<readonly string[]>>
  /**
   * Writes the value without a condition. Its maximum size is 512 kB unless the servers have another
   * limit.
   */
  put(key: string, value: KvValue, options?: KvWriteOptions): Promise<void>
  /**
   * Writes the value if the key's ModifyIndex is `index`. An index of 0 means that the key must not exist.
   * Resolves with false if the condition is not met.
   */
  cas(key: string, value: KvValue, options: KvWriteOptions & {readonly index: bigint}): Promise<boolean>
  /**
   * Writes the value and locks the key for the session. Resolves with false if another session holds the key
   * or a lock-delay is in effect.
   */
  acquire(key: string, value: KvValue, options: KvWriteOptions & {readonly session: SessionId}): Promise<boolean>
  /**
   * Writes the value and unlocks the key. Resolves with false if the session does not hold the key.
   */
  release(key: string, value: KvValue, options: KvWriteOptions & {readonly session: SessionId}): Promise<boolean>
  /**
   * Changes a key by compare-and-set, and repeats the change whenever another client wrote the key in
   * between. `change` receives the entry from a consistent read, or undefined if the key does not exist. It
   * returns the new value, or undefined to leave the key alone. It may be called several times, and its
   * errors end the update. The flags stay unless others are given. Rejects with a ConflictError of code
   * BATON_CAS_CONFLICT when `attempts` are used up, and with the signal's reason when the signal aborts. A
   * write whose answer is lost is not retried, because it may have been applied.
   */
  update(key: string, change: KvChange, options?: KvUpdateOptions): Promise<KvUpdateResult>
  /** Deletes the key without a condition. Succeeds if the key does not exist. */
  delete(key: string, options?: CallOptions): Promise<void>
  /**
   * Deletes the key if its ModifyIndex is `index`. Resolves with true if the key was deleted or
   * does not exist.
   */
  deleteCas(key: string, options: CallOptions & {readonly index: bigint}): Promise<boolean>
  /**
   * Deletes every key that starts with `prefix`. The prefix is compared byte for byte: `a` matches
   * `ab`.
   */
  deleteTree(prefix: string, options?: CallOptions): Promise<void>
}

const found = [200, 404]
const writeRules = {value: textOrBytes, flags: uint64}

/**
 * Percent-encodes a key for a path. Refuses names that Consul would answer with a redirect, because a redirected PUT
 * has no effect.
 */
export function encodeKey(key: string): string {
  checkOptions('kv', {key}, {key: text}, ['key'])
  if (key.startsWith('/')) {
    throw new UsageError(`Invalid key. Key must not begin with a '/': ${brief(key)}`)
  }
  const segments = key.split('/')
  if (
    segments.some((part, at) => part === '.' || part === '..' || (part === '' && at < segments.length - 1 && at > 0))
  ) {
    throw new UsageError(`key ${brief(key)}: a path cannot carry empty, '.' or '..' segments`, {
      hint: 'only a transaction can reach such a key',
    })
  }
  return segments.map(encodeURIComponent).join('/')
}

/** Returns the request for all keys that start with `prefix`. */
export const kvListCall = (prefix: string): Call => ({
  method: 'GET',
  path: `/v1/kv/${encodeKey(prefix)}`,
  query: {recurse: true},
  accept: found,
})

const toEntries = (answer: Answer): readonly KvEntry[] =>
  answer.status === 404 ? [] : decodeJson<RawKvEntry[]>('kv list', answer).map(toKvEntry)

export function createKvApi(caller: Caller, context: {readonly clock: Clock; readonly random: Random}): KvApi {
  const calls = {...createReads(caller), ...createWrites(caller)}
  return {...calls, update: createKvUpdate(calls, context)}
}

type Reads = Pick<KvApi, 'get' | 'list' | 'keys'>

const createReads = (caller: Caller): Reads => ({
  async get(key, options) {
    const answer = await caller.call({method: 'GET', path: `/v1/kv/${encodeKey(key)}`, accept: found}, options)
    return toSnapshot(answer, toEntries(answer)[0])
  },
  async list(prefix, options) {
    const answer = await caller.call(kvListCall(prefix), options)
    return toSnapshot(answer, toEntries(answer))
  },
  async keys(prefix, options = {}) {
    checkOptions('kv.keys', options, {separator: text})
    const path = `/v1/kv/${encodeKey(prefix)}`
    const query = {keys: true, separator: options.separator} as const
    const answer = await caller.call({method: 'GET', path, query, accept: found}, options)
    return toSnapshot(answer, answer.status === 404 ? [] : decodeJson<string[]>('kv keys', answer))
  },
})

function createWrites(caller: Caller): Omit<KvApi, keyof Reads | 'update'> {
  /** Consul answers every kv write with `true` or `false`. */
  async function write(call: Omit<Call, 'path'>, key: string, options: CallOptions): Promise<boolean> {
    const answer = await caller.call({...call, path: `/v1/kv/${encodeKey(key)}`}, options)
    const text = answer.body.toString('utf8').trim()
    if (text !== 'true' && text !== 'false') throw badAnswer(`kv ${call.method} ${key}`, answer)
    return text === 'true'
  }
  async function put(key: string, value: KvValue, query: Call['query'], options: KvWriteOptions): Promise<boolean> {
    checkOptions('kv', {...options, value}, writeRules, ['value'])
    return write(
      {method: 'PUT', query: {...query, flags: options.flags?.toString()}, body: Buffer.from(value)},
      key,
      options,
    )
  }

  return {
    async put(key, value, options = {}) {
      await put(key, value, {}, options)
    },
    async cas(key, value, options) {
      checkOptions('kv.cas', options, {index: uint64}, ['index'])
      return put(key, value, {cas: options.index.toString()}, options)
    },
    async acquire(key, value, options) {
      checkOptions('kv.acquire', options, {session: name}, ['session'])
      return put(key, value, {acquire: options.session}, options)
    },
    async release(key, value, options) {
      checkOptions('kv.release', options, {session: name}, ['session'])
      return put(key, value, {release: options.session}, options)
    },
    async delete(key, options = {}) {
      await write({method: 'DELETE'}, key, options)
    },
    async deleteCas(key, options) {
      checkOptions('kv.deleteCas', options, {index: uint64}, ['index'])
      return write({method: 'DELETE', query: {cas: options.index.toString()}}, key, options)
    },
    async deleteTree(prefix, options = {}) {
      await write({method: 'DELETE', query: {recurse: true}}, prefix, options)
    },
  }
}
