import type {PreparedQueryOptions, PreparedQueryResult} from '../api/catalog.js'
import {checkOptions, count, duration, name as nameRule, text} from '../check-options.js'
import type {ConsulClient} from '../client.js'
import {clientRule} from '../context-rules.js'
import type {ServiceInstance} from '../types.js'
import {polledRead} from './polled.js'
import {instanceVersion, listTopic, type TopicScope} from './topics.js'
import type {BlockingQuery} from './types.js'

/** Mean pause between two reads of a prepared query, in milliseconds. */
export const defaultPollMs = 10_000

/** Options for following a prepared query. */
export interface PreparedQueryTopicOptions extends TopicScope, Pick<PreparedQueryOptions, 'near' | 'limit'> {
  /**
   * Mean pause between two reads in milliseconds, at least 1000. Each pause varies by up to a quarter, and is never
   * longer than the wait time of a blocking query (a minute by default).
   * @default 10000
   */
  readonly everyMs?: number
}

const rules = {
  nameOrId: nameRule,
  near: text,
  limit: count({min: 1}),
  everyMs: duration({minMs: 1000}),
}

/**
 * The result of a prepared query, with failover to other datacenters if the query says so. Consul cannot block on
 * prepared queries, so the query is executed at intervals, and a change is seen up to 1.25 times `everyMs` later. If
 * only the order of the instances differs, the result counts as unchanged.
 *
 * @example
 * ```ts
 * const query = preparedQuery(client, 'nearest-web', {near: '_agent', everyMs: 5000})
 * query.indexRule // => 'monotonic'
 * ```
 */
export function preparedQuery(
  client: ConsulClient,
  /** Name or ID of the query. */
  nameOrId: string,
  options: PreparedQueryTopicOptions = {},
): BlockingQuery<PreparedQueryResult, ServiceInstance> {
  checkOptions('preparedQuery', {client}, {client: clientRule}, ['client'])
  checkOptions('preparedQuery', {...options, nameOrId}, rules, ['nameOrId'])
  const {near, limit, everyMs = defaultPollMs, ...scope} = options
  const given = {...(near !== undefined && {near}), ...(limit !== undefined && {limit})}
  const words = Object.entries(given).map(([name, value]) => `${name}=${value}`)
  const entries = ({instances}: PreparedQueryResult) =>
    instances.map(instance => ({
      key: `${instance.node.node}/${instance.serviceId}`,
      version: instanceVersion(instance),
      item: instance,
    }))
  return listTopic<PreparedQueryResult, ServiceInstance>(client, {
    name: `query.execute(${[nameOrId, ...words, `every=${everyMs}`].join(' ')})`,
    scope,
    kind: 'service',
    read: polledRead(client, {
      everyMs,
      versionOf: result =>
        [
          result.datacenter,
          ...entries(result)
            .map(({key, version}) => `${key} ${version}`)
            .sort(),
        ].join('\n'),
      read: readOptions => client.catalog.preparedQuery(nameOrId, {...readOptions, ...given}),
    }),
    entries,
  })
}
