import type {HealthServiceOptions} from '../api/catalog.js'
import {boolean, checkOptions, name as nameRule, text} from '../check-options.js'
import type {ConsulClient} from '../client.js'
import {clientRule} from '../context-rules.js'
import {callRules} from '../http/call-rules.js'
import type {
  BlockingReadOptions,
  CheckInfo,
  KvEntry,
  NodeInfo,
  ReadOptions,
  ServiceInstance,
  UserEvent,
} from '../types.js'
import {hiddenNamesProbe, hiddenProbe, type ItemKind} from './hidden-items.js'
import {readKvList, toKvViewEntry} from './kv-list.js'
import type {BlockingQuery, ViewEntry} from './types.js'

/** Options of all reads of a topic. @default the client's own */
export type TopicScope = Omit<ReadOptions, 'signal' | 'timeoutMs' | 'idleTimeoutMs' | 'onFirstByte' | 'plane'>

/**
 * Returns the ID of a query. Equal queries have equal IDs. IDs are readable in logs and contain no
 * secrets.
 */
function topicId(client: ConsulClient, name: string, scope: TopicScope): string {
  const {token, ...where} = {...client.scope, ...scope}
  const words = Object.entries(where)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
  if (token !== undefined) words.push(`token=${digest(token)}`)
  return [name, client.address, ...words].join(' ')
}

/** Loads node:crypto only when there is a token to hide, because loading it takes a twentieth of the start-up time. */
const digest = (text: string): string =>
  process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex').slice(0, 12)

export interface Topic<T, Item> {
  readonly name: string
  readonly scope: TopicScope
  read(options: BlockingReadOptions): ReturnType<BlockingQuery<T>['read']>
  entries(value: T): Iterable<ViewEntry<Item>>
  /** Kind of the entries, if single entries can be read in a transaction. */
  readonly kind?: ItemKind
}

export const listTopic = <T, Item>(client: ConsulClient, topic: Topic<T, Item>): BlockingQuery<T, Item> => {
  checkOptions('topic', {client}, {client: clientRule}, ['client'])
  checkOptions('topic', topic.scope, callRules)
  return {
    id: topicId(client, topic.name, topic.scope),
    indexRule: 'monotonic',
    guardEmpty: true,
    read: options => topic.read({...topic.scope, ...options}),
    entries: value => topic.entries(value),
    ...(topic.kind && {hides: hiddenProbe(client.caller, topic.kind, topic.scope)}),
  }
}

/**
 * Follows one key; the value is undefined while the key does not exist.
 *
 * @example
 * ```ts
 * await using views = createViewRegistry(client)
 * await client.kv.put('colour', Buffer.from('red'))
 * const {value} = await views.view(kvKey(client, 'colour')).subscribe().ready
 * value?.value.toString() // => 'red'
 * ```
 */
export function kvKey(
  client: ConsulClient,
  key: string,
  scope: TopicScope = {},
): BlockingQuery<KvEntry | undefined, KvEntry> {
  checkOptions('kvKey', {key}, {key: text}, ['key'])
  const topic = listTopic<KvEntry | undefined, KvEntry>(client, {
    name: `kv.key(${key})`,
    scope,
    read: options => client.kv.get(key, options),
    entries: entry => (entry ? [toKvViewEntry(entry)] : []),
  })
  // For a single key that the token may not read, Consul answers with an error and not with an empty list.
  return {...topic, guardEmpty: false}
}

/**
 * Follows all keys that start with `prefix`, with their values. Do not modify the bytes of a value: two answers may
 * share the entries that did not change.
 *
 * @example
 * ```ts
 * await using views = createViewRegistry(client)
 * await client.kv.put('fruit/apple', Buffer.from('3'))
 * const {value} = await views.view(kvPrefix(client, 'fruit/')).subscribe().ready
 * value.map(entry => `${entry.key} ${entry.value}`) // => ['fruit/apple 3']
 * ```
 */
export function kvPrefix(
  client: ConsulClient,
  prefix: string,
  scope: TopicScope = {},
): BlockingQuery<readonly KvEntry[], KvEntry> {
  checkOptions('kvPrefix', {prefix}, {prefix: text}, ['prefix'])
  return listTopic(client, {
    name: `kv.prefix(${prefix})`,
    scope,
    kind: 'key',
    ...readKvList(client, prefix, scope),
  })
}

/**
 * Follows the names of the keys that start with `prefix`. With `separator`, each name is cut after the first separator
 * that follows the prefix.
 *
 * @example
 * ```ts
 * await using views = createViewRegistry(client)
 * await client.kv.put('sites/berlin/name', Buffer.from('Berlin'))
 * const {value} = await views.view(kvKeys(client, 'sites/', {separator: '/'})).subscribe().ready
 * value // => ['sites/berlin/']
 * ```
 */
export function kvKeys(
  client: ConsulClient,
  prefix: string,
  options: TopicScope & {readonly separator?: string} = {},
): BlockingQuery<readonly string[], string> {
  checkOptions('kvKeys', {...options, prefix}, {prefix: text, separator: text}, ['prefix'])
  const {separator, ...scope} = options
  return listTopic(client, {
    name: separator === undefined ? `kv.keys(${prefix})` : `kv.keys(${prefix} by ${separator})`,
    scope,
    // With a separator, a name can be a folder, which a transaction cannot read.
    ...(separator === undefined && {kind: 'key'}),
    read: readOptions => client.kv.keys(prefix, {...readOptions, ...(separator !== undefined && {separator})}),
    entries: keys => keys.map(key => ({key, version: '', item: key})),
  })
}

/** A service of the catalog with the union of its instances' tags. */
export interface ServiceSummary {
  /** The name of the service. */
  readonly name: string
  /** Every tag that at least one instance carries. */
  readonly tags: readonly string[]
}

/**
 * Follows the names of all services, with the union of the tags of their instances.
 *
 * @example
 * ```ts
 * await using views = createViewRegistry(client)
 * const {value} = await views.view(services(client)).subscribe().ready
 * value.get('consul') // => []
 * ```
 */
export const services = (
  client: ConsulClient,
  scope: TopicScope = {},
): BlockingQuery<ReadonlyMap<string, readonly string[]>, ServiceSummary> => ({
  ...listTopic<ReadonlyMap<string, readonly string[]>, ServiceSummary>(client, {
    name: 'catalog.services',
    scope,
    read: options => client.catalog.services(options),
    entries: function* (byName) {
      for (const [name, tags] of byName) yield {key: name, version: tags.toSorted().join('\n'), item: {name, tags}}
    },
  }),
  hides: hiddenNamesProbe(client.caller, scope),
})

/**
 * Follows the nodes of the catalog.
 *
 * @example
 * ```ts
 * await using views = createViewRegistry(client)
 * const {value} = await views.view(nodes(client)).subscribe().ready
 * value.map(node => node.address) // => ['127.0.0.1']
 * ```
 */
export const nodes = (client: ConsulClient, scope: TopicScope = {}): BlockingQuery<readonly NodeInfo[], NodeInfo> =>
  listTopic(client, {
    name: 'catalog.nodes',
    scope,
    kind: 'node',
    read: options => client.catalog.nodes(options),
    entries: list =>
      list.map(node => ({
        key: node.node,
        version: node.modifyIndex,
        item: node,
        modifyIndex: node.modifyIndex,
      })),
  })

/**
 * Follows the instances of a service with their checks. `passing` keeps only instances whose checks all pass.
 *
 * @example
 * ```ts
 * await client.agent.registerService({id: 'web-1', name: 'web', port: 8080})
 * await using views = createViewRegistry(client)
 * for await (const {value} of views.view(service(client, 'web')).subscribe().snapshots()) {
 *   if (value.length === 0) continue
 *   value.map(instance => instance.port) // => [8080]
 *   break
 * }
 * ```
 */
export function service(
  client: ConsulClient,
  /** The name of the service. */
  name: string,
  options: TopicScope & Pick<HealthServiceOptions, 'passing' | 'tag' | 'near'> = {},
): BlockingQuery<readonly ServiceInstance[], ServiceInstance> {
  checkOptions('service', {...options, name}, {name: nameRule, passing: boolean, tag: text, near: text}, ['name'])
  const {passing, tag, near, ...scope} = options
  const which = [
    name,
    ...(passing === true ? ['passing'] : []),
    ...(tag === undefined ? [] : [`tag=${tag}`]),
    ...(near === undefined ? [] : [`near=${near}`]),
  ]
  return listTopic(client, {
    name: `health.service(${which.join(' ')})`,
    scope,
    kind: 'service',
    read: readOptions =>
      client.catalog.service(name, {
        ...readOptions,
        ...(passing !== undefined && {passing}),
        ...(tag !== undefined && {tag}),
        ...(near !== undefined && {near}),
      }),
    entries: instances =>
      instances.map(instance => ({
        key: `${instance.node.node}/${instance.serviceId}`,
        version: instanceVersion(instance),
        item: instance,
        modifyIndex: instance.modifyIndex,
      })),
  })
}

/** Returns a text that changes whenever the instance, its node or one of its checks changes. */
export const instanceVersion = (instance: ServiceInstance): string =>
  [
    `${instance.modifyIndex} ${instance.node.modifyIndex}`,
    ...instance.checks.map(check => `${check.checkId} ${check.modifyIndex} ${check.status}`).sort(),
  ].join('\n')

/**
 * Follows all checks, those in one state, or those of one service.
 *
 * @example
 * ```ts
 * await using views = createViewRegistry(client)
 * const {value} = await views.view(checks(client, {state: 'passing'})).subscribe().ready
 * value.some(check => check.checkId === 'serfHealth') // => true
 * ```
 */
export function checks(
  client: ConsulClient,
  options: TopicScope & {readonly state?: string; readonly service?: string} = {},
): BlockingQuery<readonly CheckInfo[], CheckInfo> {
  checkOptions('checks', options, {state: nameRule, service: nameRule})
  const {state = 'any', service: ofService, ...scope} = options
  return listTopic(client, {
    name: ofService === undefined ? `health.state(${state})` : `health.checks(${ofService})`,
    scope,
    kind: 'check',
    read: readOptions =>
      ofService === undefined
        ? client.catalog.checksInState(state, readOptions)
        : client.catalog.checksOfService(ofService, readOptions),
    entries: list =>
      list.map(check => ({
        key: `${check.node}/${check.checkId}`,
        version: `${check.modifyIndex} ${check.status}`,
        item: check,
        modifyIndex: check.modifyIndex,
      })),
  })
}

/**
 * Follows the newest user events of the agent, oldest first. The index is random. The list drops old events in favour
 * of newer ones, so a missing event was not deleted.
 *
 * @example
 * ```ts
 * await using views = createViewRegistry(client)
 * await client.event.fire('restock', Buffer.from('apples'))
 * for await (const {value} of views.view(events(client, {name: 'restock'})).subscribe().snapshots()) {
 *   if (value.length === 0) continue
 *   value.at(-1)?.payload?.toString() // => 'apples'
 *   break
 * }
 * ```
 */
export function events(
  client: ConsulClient,
  options: TopicScope & {readonly name?: string} = {},
): BlockingQuery<readonly UserEvent[], UserEvent> {
  checkOptions('events', options, {name: text})
  const {name, ...scope} = options
  const topic = listTopic<readonly UserEvent[], UserEvent>(client, {
    name: `event.list(${name ?? ''})`,
    scope,
    read: readOptions => client.event.list({...readOptions, ...(name !== undefined && {name})}),
    entries: list => list.map(event => ({key: event.id, version: event.id, item: event})),
  })
  return {...topic, indexRule: 'equality', guardEmpty: false, appendOnly: true}
}
