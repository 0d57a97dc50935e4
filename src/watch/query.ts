import {createHash} from 'node:crypto'
import {goJson} from '../core/api/go-json.js'
import {decodeJson} from '../core/api/json.js'
import {encodeKey} from '../core/api/kv.js'
import {ListBlocks, type ListText} from '../core/api/list-blocks.js'
import {checkOptions, type OptionRule, object, oneOf, text} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {BodyMemory} from '../core/http/body-memory.js'
import {secretText} from '../core/http/call-rules.js'
import {type Answer, type Call, toSnapshot} from '../core/http/caller.js'
import {parseConsulJson} from '../core/http/json-bigint.js'
import {hiddenProbe, type ItemKind} from '../core/query/hidden-items.js'
import {polledRead} from '../core/query/polled.js'
import type {BlockingQuery} from '../core/query/types.js'
import type {BlockingReadOptions, CallOptions, Snapshot} from '../core/types.js'
import {type GoObject, goCheck, goEvent, goHealthService, goKvPair, goNode, goServices} from './go-shapes.js'
import {LatestItems} from './latest-items.js'
import type {WatchSpec} from './spec.js'
import {toBlock, toItem, type WatchBlock, type WatchItem, WatchMember, WatchValue} from './value.js'

/** Datacenter and token of a watch. @default the client's own */
export type WatchScope = Pick<CallOptions, 'datacenter' | 'token' | 'namespace' | 'partition'>
/** The query of a watch. */
export interface WatchQuery extends BlockingQuery<WatchValue, WatchItem> {
  /** Specification of the watch. */
  readonly spec: WatchSpec
}

interface Shape {
  readonly call: Call
  /** The form of the answer. @default 'list' */
  readonly form?: 'one' | 'list' | 'members' | 'query'
  readonly shape: (raw: Raw) => GoObject
  /** Returns the key that identifies an item. */
  readonly keyOf: (item: GoObject) => string
  /** Kind of the items, if single items can be read in a transaction. */
  readonly kind?: ItemKind
}

type Raw = Readonly<Record<string, unknown>>

const field = (item: GoObject, ...names: readonly string[]): string => names.map(name => item[name] as string).join('/')

const instanceKey = (item: GoObject): string =>
  `${field(item['Node'] as GoObject, 'Node')}/${field(item['Service'] as GoObject, 'ID')}`

const found = {accept: [200, 404]}

const checksShape = (call: Call): Shape => ({
  call,
  shape: goCheck,
  keyOf: item => field(item, 'Node', 'CheckID'),
  kind: 'check',
})

const queryShape = ({query, near, limit}: Extract<WatchSpec, {type: 'query'}>): Shape => ({
  call: get(`/v1/query/${encodeURIComponent(query)}/execute`, {near, limit: limit?.toString()}),
  form: 'query',
  shape: goHealthService,
  keyOf: instanceKey,
  kind: 'service',
})

const get = (path: string, query: Call['query'] = {}): Call => ({method: 'GET', path, query})

function shapeOf(spec: WatchSpec): Shape {
  switch (spec.type) {
    case 'key':
      return {
        call: {...get(`/v1/kv/${encodeKey(spec.key)}`), ...found},
        form: 'one',
        shape: goKvPair,
        keyOf: item => field(item, 'Key'),
      }
    case 'keyprefix':
      return {
        call: {...get(`/v1/kv/${encodeKey(spec.prefix)}`, {recurse: true}), ...found},
        shape: goKvPair,
        keyOf: item => field(item, 'Key'),
        kind: 'key',
      }
    case 'services':
      return {call: get('/v1/catalog/services'), form: 'members', shape: goServices, keyOf: item => field(item, 'Name')}
    case 'nodes':
      return {call: get('/v1/catalog/nodes'), shape: goNode, keyOf: item => field(item, 'Node'), kind: 'node'}
    case 'service':
      return {
        call: get(`/v1/health/service/${encodeURIComponent(spec.service)}`, {
          tag: spec.tags,
          passing: spec.passingOnly ? '1' : undefined,
        }),
        shape: goHealthService,
        keyOf: instanceKey,
        kind: 'service',
      }
    case 'checks': {
      const {service, state = 'any'} = spec
      if (service === undefined) return checksShape(get(`/v1/health/state/${encodeURIComponent(state)}`))
      const filter = state === 'any' ? undefined : `Status == "${state}"`
      return checksShape(get(`/v1/health/checks/${encodeURIComponent(service)}`, {filter}))
    }
    case 'query':
      return queryShape(spec)
    case 'event':
      return {call: get('/v1/event/list', {name: spec.name}), shape: goEvent, keyOf: item => field(item, 'ID')}
  }
}

/** Consecutive items of a list: their JSON from Consul, and their JSON in Go's form. */
class ListBlock implements WatchBlock {
  readonly raw: Buffer
  readonly size: number
  readonly text: Buffer
  readonly #list: ListText
  readonly #toItem: (raw: unknown) => WatchItem
  readonly #latest: LatestItems

  /** Throws a SyntaxError if the list is not valid JSON. */
  constructor(list: ListText, toItem: (raw: unknown) => WatchItem, latest: LatestItems) {
    this.#list = list
    this.#toItem = toItem
    this.#latest = latest
    this.raw = list.raw
    const {size, text} = toBlock(this.entries)
    this.size = size
    this.text = text
  }

  get entries(): readonly WatchItem[] {
    return this.#latest.of(this, () => (parseConsulJson(this.#list.json) as readonly unknown[]).map(this.#toItem))
  }
}

/** Returns the function that decodes the answers of one query. */
function decoderOf({call, form = 'list', shape, keyOf}: Shape): (answer: Answer) => WatchValue {
  const toShaped = (raw: unknown): WatchItem => {
    const item = shape(raw as Raw)
    return toItem(keyOf(item), item)
  }
  if (form === 'members') {
    return answer => {
      const members = Object.entries(shape(decodeJson(call.path, answer)))
      const items = members.map(([name, tags = null]) => new WatchMember(name, `${goJson(name)}:${goJson(tags)}`))
      return new WatchValue(form, [toBlock(items)])
    }
  }
  if (form === 'query') {
    // Without `near`, the order of the instances has no meaning, so they are sorted.
    return answer => {
      const {Nodes: found} = decodeJson<{readonly Nodes: readonly unknown[] | null}>(call.path, answer)
      const items = (found ?? []).map(toShaped)
      return new WatchValue('list', [toBlock(call.query?.['near'] === undefined ? items.sort(byKey) : items)])
    }
  }
  const latest = new LatestItems()
  const list = new ListBlocks(text => new ListBlock(text, toShaped, latest))
  return answer => {
    // For a 404, the Go tool has a nil slice, which it writes as `null`.
    if (answer.status === 404) return new WatchValue('nil')
    const blocks = list.divide(answer.body)
    if (blocks) return new WatchValue(form, blocks)
    const raw = decodeJson(call.path, answer)
    return Array.isArray(raw) ? new WatchValue(form, [toBlock(raw.map(toShaped))]) : new WatchValue('nil')
  }
}

const knownTypes = oneOf(['key', 'keyprefix', 'services', 'nodes', 'service', 'checks', 'event', 'query'])
const specRule: OptionRule = {
  expected: 'what parseWatch returns',
  accepts: value => object.accepts(value) && knownTypes.accepts((value as {readonly type?: unknown}).type),
}
const scopeRules = {datacenter: text, namespace: text, partition: text, token: secretText} as const

const byKey = (a: WatchItem, b: WatchItem): number => (a.key < b.key ? -1 : 1)

const markOf = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 12)

/** Returns the same text for equal items in any order. */
const versionOf = ({items}: WatchValue): string =>
  items
    .map(({version}) => version)
    .sort()
    .join('\n')

/**
 * Returns the query of a watch. Its values have the form of `consul watch`: `text` is their JSON, `data` the value
 * itself. Equal watches in one registry share one request.
 *
 * @example
 * ```ts
 * const query = watchQuery(client, {type: 'key', key: 'absent'})
 * const {value} = await query.read({})
 * value.data // => null
 * ```
 */
export function watchQuery(client: ConsulClient, spec: WatchSpec, scope: WatchScope = {}): WatchQuery {
  checkOptions('watchQuery', {client, spec}, {client: clientRule, spec: specRule}, ['client', 'spec'])
  checkOptions('watchQuery', scope, scopeRules)
  const shape = shapeOf(spec)
  const {call, kind} = shape
  const decode = decoderOf(shape)
  const memory = new BodyMemory()
  const {token, ...where} = {...client.scope, ...scope}
  const words = Object.entries(where).map(([name, value]) => `${name}=${value}`)
  if (token !== undefined) words.push(`token=${markOf(token)}`)
  const isEvent = spec.type === 'event'
  const read = (options: BlockingReadOptions): Promise<Snapshot<WatchValue>> =>
    memory.lend(async takeMemory => {
      const answer = await client.caller.call({...call, takeMemory}, {...scope, ...options})
      return toSnapshot(answer, decode(answer))
    })
  return {
    spec,
    id: ['watch', JSON.stringify(spec), client.address, ...words.sort()].join(' '),
    indexRule: isEvent ? 'equality' : 'monotonic',
    // Empty answers for the types `key` and `event` need no confirmation: for a key that the token may not read, Consul
    // answers with an error, and a restarted agent really has no events.
    guardEmpty: spec.type !== 'key' && !isEvent,
    ...(isEvent && {appendOnly: true}),
    ...(kind && {hides: hiddenProbe(client.caller, kind, scope)}),
    read: spec.type === 'query' ? polledRead(client, {everyMs: spec.everyMs, versionOf, read}) : read,
    entries: value => value.entries,
  }
}
