import type {EventFilters} from '../../core/api/event.js'
import {brief} from '../../core/brief.js'
import type {ConsulClient} from '../../core/client.js'
import {valueLimitBytes} from '../../core/consul-constants.js'
import {BatonError, ConflictError, isBatonError} from '../../core/errors.js'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import type {CallOptions} from '../../core/types.js'
import {checkFire} from '../call-rules.js'
import {checkFilters, filtersOf} from '../ring/fire.js'
import {judgeSize} from '../ring/size.js'
import {encodeEntry, encodeHint, logKey} from './durable-log.js'
import {newUlid} from './ulid.js'

/** Maximum number of attempts to write an entry. */
const attempts = 4

/** Payload and filters of a durable event. */
export interface FireDurableOptions extends EventFilters, CallOptions {
  /** The payload, at most about 393,000 bytes. @default empty */
  readonly payload?: Uint8Array
}

/** A durable event that was written into its log. */
export interface FiredDurably {
  /** The event's ULID, which identifies it. */
  readonly id: string
  /** The key of its entry. */
  readonly key: string
  /**
   * Reason why the hint, an event that announces the entry, could not be fired; undefined if it was fired. Watchers of
   * the log do not need the hint.
   */
  readonly hintError: BatonError | undefined
}

/**
 * Writes an event into the log of its name, then fires an event that announces the entry. Resolves when the entry is
 * written: every watcher of the log will see it, including those that are not running now. After a failure, the write
 * is repeated with the same ID, so the entry is written only once. If it rejects after all attempts, the entry may have
 * been written.
 *
 * @example
 * ```ts
 * const {id, key, hintError} = await fireDurable(client, 'deploy', {payload: Buffer.from('v1.2.3')})
 * key === `baton/events/v1/deploy/${id}` // => true
 * hintError // => undefined
 * ```
 */
export async function fireDurable(
  client: Pick<ConsulClient, 'event' | 'kv' | 'clock' | 'random'>,
  name: string,
  options: FireDurableOptions = {},
): Promise<FiredDurably> {
  checkFire('fireDurable', {client, name}, options)
  const {payload = new Uint8Array(), node, service, tag, ...call} = options
  const filters = filtersOf({node, service, tag})
  const id = newUlid(client.clock.wallMs())
  const key = logKey(name, id)
  await checkFilters(filters)
  const value = encodeEntry(name, payload, filters)
  const hint = encodeHint(key)
  checkSizes(name, {payload: payload.length, value: value.length, hint: hint.length}, filters)
  await write(client, key, value, call)
  try {
    await client.event.fire(name, hint, {...filters, ...call})
    return {id, key, hintError: undefined}
  } catch (error) {
    if (!isBatonError(error)) throw error
    return {id, key, hintError: error}
  }
}

function checkSizes(
  name: string,
  size: {readonly payload: number; readonly value: number; readonly hint: number},
  filters: EventFilters,
): void {
  const hint = judgeSize({name, ...filters}, size.hint)
  if (hint.verdict !== 'fits') {
    throw new BatonError('BATON_TOO_LARGE', `event ${name}: the name and its filters leave no room for the hint`)
  }
  if (size.value <= valueLimitBytes) return
  // Base64 turns three bytes into four characters.
  const max = Math.floor((valueLimitBytes - (size.value - Math.ceil(size.payload / 3) * 4)) / 4) * 3
  throw new BatonError(
    'BATON_TOO_LARGE',
    `event ${brief(name)}: the payload of ${size.payload} bytes is ${size.payload - max} too long: a durable event takes ${max}`,
    {details: {given: size.payload, over: size.payload - max, max}},
  )
}

async function write(
  {kv, clock, random}: Pick<ConsulClient, 'kv' | 'clock' | 'random'>,
  key: string,
  value: Buffer,
  call: CallOptions,
): Promise<void> {
  let tries = 0
  const attempt = async (): Promise<void> => {
    tries += 1
    const isWritten = await kv.cas(key, value, {...call, index: 0n})
    // From the second attempt on, an existing key is the entry of an earlier attempt, whose write was not answered.
    if (!isWritten && tries === 1) throw new ConflictError('BATON_CAS_CONFLICT', `key ${key}: already exists`)
  }
  await retry(attempt, {clock, signal: call.signal, backoff: new Backoff({random}), attempts})
}
