import {createHash} from 'node:crypto'
import {type GoValue, goJson} from '../core/api/go-json.js'
import {decodeJson} from '../core/api/json.js'
import {encodeKey} from '../core/api/kv.js'
import type {ConsulClient} from '../core/client.js'
import {type Call, toSnapshot} from '../core/http/caller.js'
import {hiddenProbe, type ItemKind} from '../core/query/hidden-items.js'
import type {BlockingQuery, ViewEntry} from '../core/query/types.js'
import type {CallOptions} from '../core/types.js'
import {type GoObject, goCheck, goEvent, goHealthService, goKvPair, goNode, goServices} from './go-shapes.js'
import type {WatchSpec} from './spec.js'

/** Where a watch reads, and with which token. @default the client's own */
export type WatchScope = Pick<CallOptions, 'datacenter' | 'token' | 'namespace' | 'partition'>
/** The question of a watch. */
export interface WatchQuery extends BlockingQuery<GoValue, GoValue> {
  /** What is watched. */
  readonly spec: WatchSpec
}

interface Shape {
  readonly call: Call
  readonly decode: (raw: unknown) => GoValue
  /** Returns what identifies an item. */
  readonly keyOf: (item: GoObject) => string
  /** What the keys name, if Consul can be asked for each of them. */
  readonly kind?: ItemKind
}

type Raw = Readonly<Record<string, unknown>>

/** An empty list of an endpoint that answers 404 is Go's nil, `null`. */
const listOf =
  (shape: (raw: Raw) => GoObject) =>
  (raw: unknown): GoValue =>
    Array.isArray(raw) ? raw.map(item => shape(item as Raw)) : null

const field = (item: GoObject, ...names: readonly string[]): string => names.map(name => item[name] as string).join('/')

const found = {accept: [200, 404]}

const checksShape = (call: Call): Shape => ({
  call,
  decode: listOf(goCheck),
  keyOf: item => field(item, 'Node', 'CheckID'),
  kind: 'check',
})

function shapeOf(spec: WatchSpec): Shape {
  const get = (path: string, query: Call['query'] = {}): Call => ({method: 'GET', path, query})
  switch (spec.type) {
    case 'key':
      return {
        call: {...get(`/v1/kv/${encodeKey(spec.key)}`), ...found},
        decode: raw => (Array.isArray(raw) && raw.length > 0 ? goKvPair(raw[0] as Raw) : null),
        keyOf: item => field(item, 'Key'),
      }
    case 'keyprefix':
      return {
        call: {...get(`/v1/kv/${encodeKey(spec.prefix)}`, {recurse: true}), ...found},
        decode: listOf(goKvPair),
        keyOf: item => field(item, 'Key'),
        kind: 'key',
      }
    case 'services':
      return {
        call: get('/v1/catalog/services'),
        decode: raw => goServices(raw as Raw),
        keyOf: item => field(item, 'Name'),
      }
    case 'nodes':
      return {call: get('/v1/catalog/nodes'), decode: listOf(goNode), keyOf: item => field(item, 'Node'), kind: 'node'}
    case 'service':
      return {
        call: get(`/v1/health/service/${encodeURIComponent(spec.service)}`, {
          tag: spec.tags,
          passing: spec.passingOnly ? '1' : undefined,
        }),
        decode: listOf(goHealthService),
        keyOf: item => `${field(item['Node'] as GoObject, 'Node')}/${field(item['Service'] as GoObject, 'ID')}`,
        kind: 'service',
      }
    case 'checks': {
      const {service, state = 'any'} = spec
      const path =
        service === undefined
          ? `/v1/health/state/${encodeURIComponent(state)}`
          : `/v1/health/checks/${encodeURIComponent(service)}`
      return checksShape(get(path))
    }
    case 'event':
      return {
        call: get('/v1/event/list', {name: spec.name}),
        decode: listOf(goEvent),
        keyOf: item => field(item, 'ID'),
      }
  }
}

/** The items of a value, identified by their keys and compared by everything that is in them. */
export function itemsOf(spec: WatchSpec, value: GoValue): readonly ViewEntry<GoValue>[] {
  if (value === null || typeof value !== 'object') return []
  if (spec.type === 'services') {
    return Object.entries(value as GoObject).map(([name, tags = null]) => ({
      key: name,
      version: goJson(tags),
      item: {Name: name, Tags: tags},
    }))
  }
  const {keyOf} = shapeOf(spec)
  const items = (Array.isArray(value) ? value : [value]) as readonly GoObject[]
  return items.map(item => ({key: keyOf(item), version: goJson(item), item}))
}

const markOf = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 12)

/**
 * Returns the query of a watch. Its values have the form of `consul watch`. Equal watches of one registry share one
 * request.
 *
 * @example
 * ```ts
 * const query = watchQuery(client, {type: 'key', key: 'absent'})
 * const {value} = await query.read({})
 * value // => null
 * ```
 */
export function watchQuery(client: ConsulClient, spec: WatchSpec, scope: WatchScope = {}): WatchQuery {
  const {call, decode, kind} = shapeOf(spec)
  const {token, ...where} = {...client.scope, ...scope}
  const words = Object.entries(where).map(([name, value]) => `${name}=${value}`)
  if (token !== undefined) words.push(`token=${markOf(token)}`)
  const isEvent = spec.type === 'event'
  return {
    spec,
    id: ['watch', JSON.stringify(spec), client.address, ...words.sort()].join(' '),
    indexRule: isEvent ? 'equality' : 'monotonic',
    // A key without permission is refused, not absent; an agent that was restarted has no events.
    guardEmpty: spec.type !== 'key' && !isEvent,
    ...(isEvent && {appendOnly: true}),
    ...(kind && {hides: hiddenProbe(client.caller, kind, scope)}),
    async read(options) {
      const answer = await client.caller.call(call, {...scope, ...options})
      return toSnapshot(answer, answer.status === 404 ? null : decode(decodeJson(call.path, answer)))
    },
    entries: value => itemsOf(spec, value),
  }
}
