import {brief} from '../core/brief.js'
import {checkOptions, count, object, text, texts} from '../core/check-options.js'
import {UsageError} from '../core/errors.js'
import {defaultPollMs} from '../core/query/prepared-query.js'
import {parseDuration} from '../core/time/duration.js'

/** The specification of a watch: a type of `consul watch` with its parameters. */
export type WatchSpec =
  | {readonly type: 'key'; readonly key: string}
  | {readonly type: 'keyprefix'; readonly prefix: string}
  | {readonly type: 'services'}
  | {readonly type: 'nodes'}
  | {
      readonly type: 'service'
      readonly service: string
      /** Tags, all of which an instance must have. */
      readonly tags: readonly string[]
      readonly passingOnly: boolean
    }
  | {readonly type: 'checks'; readonly service: string | undefined; readonly state: string | undefined}
  | {readonly type: 'event'; readonly name: string | undefined}
  | {
      readonly type: 'query'
      /** Name or ID of a prepared query. */
      readonly query: string
      readonly near: string | undefined
      readonly limit: number | undefined
      /**
       * Mean pause between two reads in milliseconds. The query is polled, because Consul cannot block on prepared
       * queries.
       */
      readonly everyMs: number
    }

/** The watch types that `consul watch` accepts on its command line, and `query`. */
export type WatchType = WatchSpec['type']

/** The parameters of `consul watch`, by flag name. As with that command, empty texts count as not given. */
export interface WatchParameters {
  /**
   * One of the types of `consul watch` (`key`, `keyprefix`, `services`, `nodes`, `service`, `checks`, `event`), or
   * `query`.
   */
  readonly type?: string | undefined
  /** The key (`key`). */
  readonly key?: string | undefined
  /** The prefix (`keyprefix`). */
  readonly prefix?: string | undefined
  /** The service (`service`, `checks`). */
  readonly service?: string | undefined
  /** Tags, all of which an instance must have (`service`). @default any */
  readonly tag?: readonly string[] | undefined
  /** `true` for instances whose checks pass (`service`). @default 'false' */
  readonly passingonly?: string | undefined
  /** State of the checks (`checks`). @default 'any' */
  readonly state?: string | undefined
  /** Name of the events (`event`). @default any */
  readonly name?: string | undefined
  /** Name or ID of a prepared query (`query`). */
  readonly query?: string | undefined
  /**
   * Node whose nearest instances come first, or `_agent` (`query`).
   * @default the query's own setting
   */
  readonly near?: string | undefined
  /** Maximum number of instances (`query`). @default all */
  readonly limit?: number | undefined
  /** Mean pause between two reads, at least `1s` (`query`). @default '10s' */
  readonly interval?: string | undefined
}

/** Types that exist only in the `watches` of an agent's configuration. */
const agentOnly = new Set(['connect_roots', 'connect_leaf', 'agent_service'])

const known: Readonly<Record<WatchType, readonly (keyof WatchParameters)[]>> = {
  key: ['key'],
  keyprefix: ['prefix'],
  services: [],
  nodes: [],
  service: ['service', 'tag', 'passingonly'],
  checks: ['service', 'state'],
  event: ['name'],
  query: ['query', 'near', 'limit', 'interval'],
}

const allNames = [...new Set(Object.values(known).flat())]

const parameterRules = {
  type: text,
  key: text,
  prefix: text,
  service: text,
  tag: texts,
  passingonly: text,
  state: text,
  name: text,
  query: text,
  near: text,
  limit: count({min: 1}),
  interval: text,
} as const

const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const untruths = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

const states = ['any', 'passing', 'warning', 'critical']

/**
 * Throws a UsageError for a state that no check can have, because the watch would never report
 * anything.
 */
export function checkState(state: string | undefined): void {
  if (state === undefined || state === '' || states.includes(state)) return
  throw new UsageError(`Unknown state of checks: ${brief(state)}`, {hint: `it is one of ${states.join(', ')}`})
}

/**
 * Checks the parameters in the same order and with the same messages as `consul watch`. Throws a UsageError if one is
 * not valid.
 *
 * @example
 * ```ts
 * parseWatch({type: 'keyprefix', prefix: '/app/'}) // => {type: 'keyprefix', prefix: 'app/'}
 * ```
 */
export function parseWatch(parameters: WatchParameters): WatchSpec {
  checkParameters(parameters)
  const {type = ''} = parameters
  if (type === '') throw new UsageError('Watch type must be specified')
  if (agentOnly.has(type)) throw new UsageError(`Type ${type} is not supported in the CLI tool`)
  const passingOnly = parsePassing(parameters.passingonly ?? '')
  const names = known[type as WatchType] as (typeof known)[WatchType] | undefined
  checkState(parameters.state)
  if (!Object.hasOwn(known, type) || !names) throw new UsageError(`Unsupported watch type: ${brief(type)}`)
  const spec = build(type as WatchType, parameters, passingOnly)
  const surplus = allNames.filter(name => isGiven(parameters[name]) && !names.includes(name))
  if (surplus.length > 0) throw new UsageError(`Invalid parameters: [${surplus.join(' ')}]`)
  return spec
}

function checkParameters(parameters: WatchParameters): void {
  checkOptions('parseWatch', {parameters}, {parameters: object}, ['parameters'])
  checkOptions('parseWatch', parameters, parameterRules)
}

const isGiven = (value: string | number | readonly string[] | undefined): boolean =>
  value !== undefined && (typeof value === 'number' || value.length > 0)

function parsePassing(text: string): boolean {
  if (truths.has(text)) return true
  if (text === '' || untruths.has(text)) return false
  throw new UsageError(
    `Failed to parse passingonly flag: strconv.ParseBool: parsing ${JSON.stringify(brief(text))}: invalid syntax`,
  )
}

function build(type: WatchType, parameters: WatchParameters, passingOnly: boolean): WatchSpec {
  const {key = '', prefix = '', service = '', state = '', name = ''} = parameters
  const need = (value: string, what: string): string => {
    if (value === '') throw new UsageError(`Must specify a single ${what} to watch`)
    return value.replace(/^\//, '')
  }
  switch (type) {
    case 'key':
      return {type, key: need(key, 'key')}
    case 'keyprefix':
      return {type, prefix: need(prefix, 'prefix')}
    case 'service':
      return {type, service: need(service, 'service'), tags: parameters.tag ?? [], passingOnly}
    case 'checks':
      if (service !== '' && state !== '') throw new UsageError('Cannot specify service and state')
      return {type, service: service === '' ? undefined : service, state: state === '' ? undefined : state}
    case 'event':
      return {type, name: name === '' ? undefined : name}
    case 'query': {
      const {query = '', near = '', limit, interval = ''} = parameters
      const everyMs = interval === '' ? defaultPollMs : parseDuration(interval, 'interval')
      if (everyMs < 1000) throw new UsageError('`interval` is less than 1s')
      return {type, query: need(query, 'query'), near: near === '' ? undefined : near, limit, everyMs}
    }
    default:
      return {type}
  }
}

/** Returns a text for messages: `key app/a`, `service web`, `nodes`. */
export function describeWatch(spec: WatchSpec): string {
  switch (spec.type) {
    case 'key':
      return `key ${spec.key}`
    case 'keyprefix':
      return `keyprefix ${spec.prefix}`
    case 'service':
      return `service ${spec.service}`
    case 'checks':
      if (spec.service === undefined) return `checks ${spec.state ?? 'any'}`
      return `checks of ${spec.service}${spec.state === undefined ? '' : ` that are ${spec.state}`}`
    case 'event':
      return spec.name === undefined ? 'events' : `event ${spec.name}`
    case 'query':
      return `query ${spec.query}`
    default:
      return spec.type
  }
}
