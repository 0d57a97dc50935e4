import {callback, checkOptions, count, uint64} from '../check-options.js'
import {ConflictError} from '../errors.js'
import {Backoff} from '../time/backoff.js'
import type {CallOptions, Clock, KvEntry, KvValue, Random, ReadOptions} from '../types.js'

/** Options of an update. */
export interface KvUpdateOptions extends CallOptions {
  /** Maximum number of writes that are tried. @default no limit */
  readonly attempts?: number
  /** Flags that the update writes. @default the key's present flags */
  readonly flags?: bigint
}

/** The result of an update. */
export interface KvUpdateResult {
  /** False if `change` returned undefined, so that nothing was written. */
  readonly isWritten: boolean
  /**
   * The value that was written or, if nothing was written, the value that was read from Consul; undefined if the key
   * does not exist.
   */
  readonly value: Buffer | undefined
  /** Number of writes that were tried; 0 if none was needed. */
  readonly attempts: number
}

/** Returns the new value, or undefined to leave the key alone. */
export type KvChange = (entry: KvEntry | undefined) => KvValue | undefined | Promise<KvValue | undefined>

/** The calls that an update makes. */
interface KvCalls {
  get(key: string, options: ReadOptions): Promise<{readonly value: KvEntry | undefined}>
  cas(
    key: string,
    value: KvValue,
    options: CallOptions & {readonly index: bigint; readonly flags: bigint},
  ): Promise<boolean>
}

const pauses = {minMs: 5, maxMs: 500}
const rules = {change: callback, attempts: count({min: 1}), flags: uint64}

export function createKvUpdate(
  kv: KvCalls,
  {clock, random}: {readonly clock: Clock; readonly random: Random},
): (key: string, change: KvChange, options?: KvUpdateOptions) => Promise<KvUpdateResult> {
  return async (key, change, options = {}) => {
    checkOptions('kv.update', {...options, change}, rules, ['change'])
    const {attempts: limit = Infinity, flags, ...call} = options
    const backoff = new Backoff({...pauses, random})
    for (let attempts = 0; ; ) {
      const {value: entry} = await kv.get(key, {...call, consistency: 'consistent'})
      const changed = await change(entry)
      call.signal?.throwIfAborted()
      if (changed === undefined) return {isWritten: false, value: entry?.value, attempts}
      const write = {...call, index: indexOf(entry), flags: flags ?? entry?.flags ?? 0n}
      attempts += 1
      if (await kv.cas(key, changed, write)) return {isWritten: true, value: Buffer.from(changed), attempts}
      if (attempts >= limit) throw conflict(key, attempts)
      await clock.sleep(backoff.next(), call.signal)
    }
  }
}

/** With index 0, Consul creates the key and refuses the write if the key exists. */
const indexOf = (entry: KvEntry | undefined): bigint => entry?.modifyIndex ?? 0n

const conflict = (key: string, attempts: number): ConflictError =>
  new ConflictError(
    'BATON_CAS_CONFLICT',
    `kv.update: ${key}: other writers were faster in ${attempts} of ${attempts} attempts`,
    {
      hint: 'raise `attempts`',
      details: {key, attempts},
    },
  )
