import type {NodeServices} from '../core/api/catalog.js'
import type {ConsulClient} from '../core/client.js'
import {jsonReplacer} from '../core/json-replacer.js'
import {polledRead} from '../core/query/polled.js'
import {kvKey, kvPrefix, listTopic, nodes, service, services} from '../core/query/topics.js'
import type {BlockingQuery} from '../core/query/types.js'
import type {ConsulIndex, KvEntry, NodeInfo, ServiceInstance} from '../core/types.js'
import type {ServiceText, Where} from './query-text.js'

/** A piece of Consul's data that a template uses. `name` is unique among dependencies, and messages show it. */
export interface Dependency<T = unknown> {
  readonly name: string
  /** Only in the dependency on a key: the folder of the key, whose keys can be followed with one query. */
  readonly folder?: KeyFolder & {readonly key: string}
  query(client: ConsulClient): BlockingQuery<T>
}

/** The folder of a key. */
export interface KeyFolder {
  readonly id: string
  readonly prefix: string
  readonly where: Where
}

function named(kind: string, what: string, where: Where): string {
  const {datacenter, namespace, partition} = where
  const place = datacenter === undefined ? '' : `@${datacenter}`
  const rest = [namespace, partition].filter(part => part !== undefined).join('/')
  return `${kind}(${what}${rest === '' ? '' : `?${rest}`}${place})`
}

const scopeOf = ({datacenter, namespace, partition}: Where): Where => ({
  ...(datacenter !== undefined && {datacenter}),
  ...(namespace !== undefined && {namespace}),
  ...(partition !== undefined && {partition}),
})

/** The entry of one key, or undefined if the key does not exist. */
export function keyDependency(key: string, where: Where): Dependency<KvEntry | undefined> {
  const prefix = key.slice(0, key.lastIndexOf('/') + 1)
  const scope = scopeOf(where)
  return {
    name: named('key', key, where),
    query: client => kvKey(client, key, scope),
    ...(prefix !== '' && {folder: {id: named('keys', prefix, where), prefix, where: scope, key}}),
  }
}

/** All keys that begin with a prefix. */
export function prefixDependency(prefix: string, where: Where): Dependency<readonly KvEntry[]> {
  return {name: named('keys', prefix, where), query: client => kvPrefix(client, prefix, scopeOf(where))}
}

/**
 * The instances of a service. If only passing instances are requested, Consul filters them; other states are filtered
 * here.
 */
export function serviceDependency(asked: ServiceText): Dependency<readonly ServiceInstance[]> {
  const {name, tag, states, near} = asked
  const passing = states.length === 1 && states[0] === 'passing'
  const what = `${tag === undefined ? '' : `${tag}.`}${name}${near === undefined ? '' : `~${near}`}${passing ? '' : '|any'}`
  return {
    name: named('service', what, asked),
    query: client =>
      service(client, name, {
        passing,
        ...(tag !== undefined && {tag}),
        ...(near !== undefined && {near}),
        ...scopeOf(asked),
      }),
  }
}

/** The names of all services, with their tags. */
export function servicesDependency(where: Where): Dependency<ReadonlyMap<string, readonly string[]>> {
  return {name: named('services', '', where), query: client => services(client, scopeOf(where))}
}

/** All nodes. */
export function nodesDependency(where: Where): Dependency<readonly NodeInfo[]> {
  return {name: named('nodes', '', where), query: client => nodes(client, scopeOf(where))}
}

/** The names of the datacenters. They are polled every `everyMs`, because Consul has no blocking query for them. */
export function datacentersDependency(everyMs: number): Dependency<readonly string[]> {
  return {
    name: 'datacenters()',
    query: client => {
      const read = polledRead(client, {
        everyMs,
        versionOf: (names: readonly string[]) => names.join('\n'),
        read: options => client.catalog.datacenters(options),
      })
      return listTopic<readonly string[], string>(client, {
        name: 'catalog.datacenters',
        scope: {},
        read,
        entries: names => names.map(name => ({key: name, version: '', item: name})),
      })
    },
  }
}

/** A node with its services, or undefined if the node does not exist. */
export function nodeDependency(name: string, where: Where): Dependency<NodeServices | undefined> {
  return {
    name: named('node', name, where),
    query: client =>
      listTopic<NodeServices | undefined, string>(client, {
        name: `catalog.node(${name})`,
        scope: scopeOf(where),
        kind: 'node',
        read: options => client.catalog.node(name, options),
        entries: found =>
          found === undefined ? [] : [{key: name, version: JSON.stringify(found, jsonReplacer), item: name}],
      }),
  }
}

/** The name of the node on which the answering agent runs. */
export function agentNameDependency(everyMs: number): Dependency<string> {
  return {
    name: 'agent()',
    query: client => {
      const read = polledRead(client, {
        everyMs,
        versionOf: (name: string) => name,
        read: async options => {
          const {node} = await client.agent.self(options)
          const sentAtMs = client.clock.monotonicMs()
          return {
            value: node,
            index: 0n as ConsulIndex,
            knownLeader: true,
            lastContactMs: 0,
            filteredByAcls: false,
            sentAtMs,
          }
        },
      })
      return listTopic<string, string>(client, {
        name: 'agent.self',
        scope: {},
        read,
        entries: name => [{key: name, version: '', item: name}],
      })
    },
  }
}
