import type {EventFilters} from '../../core/api/event.js'
import {brief} from '../../core/brief.js'
import type {ConsulClient} from '../../core/client.js'
import {BatonError, ConsulError, UsageError} from '../../core/errors.js'
import {loadRe2} from '../../core/re2.js'
import type {CallOptions, UserEvent} from '../../core/types.js'
import {checkFire} from '../call-rules.js'
import {judgeSize, type SizeVerdict} from './size.js'
import {spillPayload} from './spill.js'

/** Payload and filters of an event, and what to do if the payload does not fit. */
export interface FireOptions extends EventFilters, CallOptions {
  /** The payload. @default empty */
  readonly payload?: Uint8Array
  /**
   * If the payload is too large, writes it into KV and keeps it there for at least this many milliseconds (10 s or
   * more).
   * @default a payload that is too large is refused
   */
  readonly spillTtlMs?: number
}

/** The event as the agent accepted it. Other agents may not have received it yet. */
export interface Fired {
  /** The event with its ID. */
  readonly event: UserEvent
  /**
   * Number of bytes by which the payload could have been longer: exact if only a few are left, otherwise a lower bound.
   */
  readonly leftBytes: number
  /** True if the payload was put into KV and the event carries a pointer to it. */
  readonly isSpilled: boolean
}

type FireClient = Pick<ConsulClient, 'agent' | 'event' | 'kv' | 'scope' | 'session'>

const filterNames = ['node', 'service', 'tag'] as const

/**
 * Refuses filters that are not regular expressions, with Go's message, because each receiver would silently drop the
 * event.
 */
export async function checkFilters(filters: EventFilters): Promise<void> {
  if (filters.tag !== undefined && filters.service === undefined) {
    throw new UsageError('Cannot provide tag filter without service filter.')
  }
  const given = filterNames.flatMap(name => (filters[name] === undefined ? [] : [[name, filters[name]] as const]))
  if (given.length === 0) return
  const re2 = await loadRe2()
  for (const [name, text] of given) {
    try {
      re2.compile(text)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new UsageError(`Failed to compile ${name} filter regexp: ${why}`, {cause: error})
    }
  }
}

/** Returns the filters that are defined. */
export const filtersOf = ({node, service, tag}: {[K in keyof EventFilters]: string | undefined}): EventFilters => ({
  ...(node !== undefined && {node}),
  ...(service !== undefined && {service}),
  ...(tag !== undefined && {tag}),
})

/**
 * Fires an event. If the payload cannot fit, rejects with BATON_TOO_LARGE before anything is sent; the details contain
 * the excess in bytes.
 * @example
 * ```ts
 * const {event, isSpilled} = await fireEvent(client, 'deploy', {payload: Buffer.from('v1.2.3')})
 * event.name // => 'deploy'
 * isSpilled // => false
 * const tooLong = fireEvent(client, 'deploy', {payload: Buffer.alloc(1000)})
 * await tooLong.catch(error => error.code) // => 'BATON_TOO_LARGE'
 * ```
 */
export async function fireEvent(client: FireClient, name: string, options: FireOptions = {}): Promise<Fired> {
  checkFire('fireEvent', {client, name}, options)
  if (name === '') throw new UsageError('Event name must be specified', {details: {option: 'name'}})
  const {payload = new Uint8Array(), spillTtlMs, node, service, tag, ...call} = options
  const filters = filtersOf({node, service, tag})
  await checkFilters(filters)
  const shape = {name, ...filters}
  const lTime = await timeIfItMatters(client, judgeSize(shape, payload.length), call)
  const size = judgeSize(shape, payload.length, lTime)
  const mustSpill = size.verdict !== 'fits' && spillTtlMs !== undefined
  if (size.verdict === 'too-large' && !mustSpill)
    throw tooLarge(name, payload.length, {...size, isExact: lTime !== undefined})
  const body = mustSpill ? await spillPayload(client, payload, {...call, ttlMs: spillTtlMs}) : payload
  const sent = judgeSize(shape, body.length, lTime)
  if (sent.verdict === 'too-large') throw tooLarge(name, body.length, {...sent, isExact: lTime !== undefined})
  try {
    const event = await client.event.fire(name, body.length === 0 ? undefined : body, {...filters, ...call})
    return {event, leftBytes: sent.leftBytes, isSpilled: mustSpill}
  } catch (error) {
    if (error instanceof ConsulError && error.text.includes('exceeds configured limit')) {
      throw tooLarge(name, body.length, {overBytes: 1, maxBytes: body.length - 1, isExact: false}, error)
    }
    throw error
  }
}

/**
 * Reads the agent's Lamport time, but only if the length of that time (up to 8 bytes) decides whether the event fits.
 * Resolves with undefined if the agent does not answer.
 */
async function timeIfItMatters(
  {agent, scope}: FireClient,
  {verdict}: SizeVerdict,
  call: CallOptions,
): Promise<bigint | undefined> {
  // Another datacenter has its own Lamport clock, which the local agent does not know.
  if (verdict === 'fits' || (call.datacenter ?? scope.datacenter) !== undefined) return undefined
  const self = await agent.self(call).catch(() => undefined)
  return self?.eventTime
}

function tooLarge(
  name: string,
  given: number,
  size: {readonly overBytes: number; readonly maxBytes: number; readonly isExact: boolean},
  cause?: unknown,
): BatonError {
  const {overBytes: over, maxBytes: max, isExact} = size
  const [atLeast, atMost] = isExact ? ['', ''] : ['at least ', 'at most ']
  return new BatonError(
    'BATON_TOO_LARGE',
    `event ${brief(name)}: the payload of ${given} bytes is ${atLeast}${over} too long: ${atMost}${max} fit with this name and these filters`,
    {cause, hint: 'with `spillTtlMs` it is put into KV and a pointer to it is sent', details: {given, over, max}},
  )
}
