import {createHash, randomUUID} from 'node:crypto'
import type {ConsulClient} from '../../core/client.js'
import {valueLimitBytes} from '../../core/consul-constants.js'
import {BatonError, UsageError} from '../../core/errors.js'
import type {CallOptions} from '../../core/types.js'
import {checkPayload} from '../call-rules.js'
import {readHinted} from '../durable/durable-log.js'

/**
 * Prefix of payloads that do not fit in an event. A watcher reads only keys below this prefix, even if an event names
 * another key.
 */
export const spillPrefix = 'baton/events/blob/v1/'

interface Pointer {
  readonly baton: 'spill'
  readonly v: 1
  readonly key: string
  readonly size: number
  readonly sha256: string
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

type SpillClient = Pick<ConsulClient, 'kv' | 'session'>

/**
 * Writes a payload into KV and returns the pointer that the event carries instead. The key belongs to a session that is
 * never renewed, so Consul deletes the key after one to two times `ttlMs`, even if this process ends.
 */
export async function spillPayload(
  client: SpillClient,
  payload: Uint8Array,
  options: CallOptions & {readonly ttlMs: number},
): Promise<Buffer> {
  if (payload.length > valueLimitBytes) {
    throw new UsageError(`payload: ${payload.length} bytes are more than a key takes (${valueLimitBytes})`)
  }
  const {ttlMs, ...call} = options
  const key = `${spillPrefix}${randomUUID()}`
  const request = {name: 'baton event payload', ttlMs, lockDelayMs: 0, behavior: 'delete', nodeChecks: []} as const
  const {id: session} = await client.session.create(request, call)
  if (!(await client.kv.acquire(key, payload, {...call, session}))) {
    throw new BatonError('BATON_CAS_CONFLICT', `key ${key}: is locked by another session`)
  }
  const pointer: Pointer = {baton: 'spill', v: 1, key, size: payload.length, sha256: sha256(payload)}
  return Buffer.from(JSON.stringify(pointer))
}

/** Returns the pointer in an event's payload, or undefined for any other payload. */
export function parseSpill(payload: Uint8Array | undefined): Pointer | undefined {
  if (payload?.[0] !== '{'.charCodeAt(0)) return undefined
  try {
    const pointer = JSON.parse(Buffer.from(payload).toString()) as Partial<Pointer>
    const {baton, v, key, size} = pointer
    if (baton !== 'spill' || v !== 1 || typeof size !== 'number' || typeof pointer.sha256 !== 'string') return undefined
    return typeof key === 'string' && key.startsWith(spillPrefix) ? (pointer as Pointer) : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns the payload that the sender passed to `fire`. It is read from KV if it was too large for the event, and from
 * the log if the event announces a durable one. Rejects with BATON_NOT_FOUND if the payload no longer exists, and with
 * BATON_REFUSED if it differs from the one that was sent.
 *
 * @example
 * ```ts
 * const report = Buffer.alloc(2000, 'x')
 * const {event, isSpilled} = await fireEvent(client, 'report', {payload: report, spillTtlMs: 60_000})
 * isSpilled // => true
 * const payload = await resolvePayload(client, event.payload)
 * payload?.equals(report) // => true
 * ```
 */
export async function resolvePayload(
  client: Pick<SpillClient, 'kv'>,
  payload: Buffer | undefined,
  options: CallOptions = {},
): Promise<Buffer | undefined> {
  checkPayload('resolvePayload', client, payload, options)
  const pointer = parseSpill(payload)
  if (!pointer) return payload && payload.length > 0 ? unhint(client, payload, options) : payload
  const {value: entry} = await client.kv.get(pointer.key, options)
  if (!entry) {
    throw new BatonError('BATON_NOT_FOUND', `key ${pointer.key}: the event's payload is no longer there`, {
      hint: 'its spill TTL was too short for this watch',
    })
  }
  if (sha256(entry.value) !== pointer.sha256) {
    throw new BatonError('BATON_REFUSED', `key ${pointer.key}: is not the payload that was fired`)
  }
  return entry.value
}

async function unhint(
  client: Pick<SpillClient, 'kv'>,
  payload: Buffer,
  options: CallOptions,
): Promise<Buffer | undefined> {
  const logged = await readHinted(client, payload, options)
  return logged ? logged.payload : payload
}
