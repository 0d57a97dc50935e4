import type {ConsulClient} from '../core/client.js'
import {Backoff} from '../core/time/backoff.js'
import type {KvEntry} from '../core/types.js'

/** What became of a key. */
export interface UpdatedKey {
  /** The value that the key has now. Undefined if the key does not exist, which `change` left so. */
  readonly value: Uint8Array | undefined
  /** False if `change` returned undefined, or the value that was there. */
  readonly isWritten: boolean
}

export interface UpdateKeyOptions {
  readonly signal: AbortSignal
  /** Called before each repetition, because another client wrote the key first. */
  readonly onConflict?: () => void
}

/**
 * Reads a key, writes what `change` returns for it if the key is still the same, and starts again if it is not. Flags
 * are kept. If `change` returns undefined, nothing is written. Rejects with its error, and with failures of requests:
 * a write without an answer is not repeated, because it may have been applied.
 */
export async function updateKey(
  client: Pick<ConsulClient, 'kv' | 'clock' | 'random'>,
  key: string,
  change: (entry: KvEntry | undefined) => Promise<Uint8Array | undefined> | Uint8Array | undefined,
  {signal, onConflict}: UpdateKeyOptions,
): Promise<UpdatedKey> {
  const backoff = new Backoff({minMs: 10, maxMs: 1000, random: client.random})
  for (;;) {
    const {value: entry} = await client.kv.get(key, {consistency: 'consistent', signal})
    const value = await change(entry)
    signal.throwIfAborted()
    if (value === undefined || entry?.value.equals(value)) return {value: entry?.value, isWritten: false}
    const at = {index: entry?.modifyIndex ?? 0n, flags: entry?.flags ?? 0n}
    if (await client.kv.cas(key, value, {...at, signal})) return {value, isWritten: true}
    onConflict?.()
    await client.clock.sleep(backoff.next(), signal)
  }
}
