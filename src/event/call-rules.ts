import {bytes, checkOptions, count, duration, type OptionRule, object, text, uint64} from '../core/check-options.js'
import {clientRule} from '../core/context-rules.js'
import {callRules} from '../core/http/call-rules.js'

/** Throws a UsageError if the client or the name of an event or a log is not valid. */
export function checkSource(what: string, from: {readonly client: unknown; readonly name?: unknown}): void {
  checkOptions(what, from, {client: clientRule, name: text}, 'name' in from ? ['client', 'name'] : ['client'])
}

/** Minimum TTL of a session. */
const minTtlMs = 10_000

const filterRules = {node: text, service: text, tag: text}
const fireRules = {...callRules, ...filterRules, payload: bytes, spillTtlMs: duration({minMs: minTtlMs})}

/** Throws a UsageError if the client, the name or an option of an event is not valid. */
export function checkFire(
  what: string,
  from: {readonly client: unknown; readonly name: unknown},
  options: Partial<Record<keyof typeof fireRules, unknown>>,
): void {
  checkSource(what, from)
  checkOptions(what, options, fireRules)
}

/** Throws a UsageError if the name, a filter, the length of a payload or a Lamport time is not valid. */
export function checkShape(
  what: string,
  shape: Readonly<Record<string, unknown>>,
  sizes: {readonly payloadLength?: unknown; readonly lTime?: unknown},
  needed: 'payloadLength' | 'lTime',
): void {
  checkOptions(what, shape as {readonly name?: unknown}, {name: text, ...filterRules}, ['name'])
  checkOptions(what, sizes, {payloadLength: count({min: 0}), lTime: uint64}, [needed])
}

/** Throws a UsageError if the client, the payload or an option of a call is not valid. */
export function checkPayload(what: string, client: unknown, payload: unknown, options: object): void {
  checkOptions(what, {client, payload}, {client: clientRule, payload: bytes}, ['client'])
  checkOptions(what, options, callRules)
}

const keepRule: OptionRule = {
  expected: '{count} or {ageMs}',
  accepts: value => object.accepts(value) && ('count' in (value as object) || 'ageMs' in (value as object)),
}

const positive: OptionRule = {
  expected: 'a positive number of milliseconds',
  accepts: value => typeof value === 'number' && value > 0 && Number.isFinite(value),
}

/**
 * Throws a UsageError if `keep` is neither a number of events nor an age, or if another argument of a prune is not
 * valid.
 */
export function checkPrune(
  what: string,
  from: {readonly client: unknown; readonly name: unknown; readonly keep: unknown},
  options: object,
): void {
  const {keep, ...source} = from
  checkSource(what, source)
  checkOptions(what, {keep}, {keep: keepRule}, ['keep'])
  checkOptions(what, options, callRules)
  const isAge = typeof keep === 'object' && keep !== null && 'ageMs' in keep
  if (isAge) checkOptions(what, keep, {ageMs: positive}, ['ageMs'])
  else checkOptions(what, keep as {readonly count?: unknown}, {count: count({min: 1})}, ['count'])
}
