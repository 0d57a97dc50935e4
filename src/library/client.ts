/**
 * `consul-baton/client`: a client for one agent, queries, views and errors.
 *
 * @module consul-baton/client
 */
export {clientOptionsFromEnvironment} from '../config/client-options.js'
export type {Environment} from '../config/environment.js'
export type {
  AgentApi,
  AgentSelf,
  CheckState,
  LocalService,
  MaintenanceOptions,
  Member,
  ServiceRegistration,
} from '../core/api/agent.js'
export type {
  CatalogApi,
  HealthServiceOptions,
  NodeService,
  NodeServices,
  PreparedQueryOptions,
  PreparedQueryResult,
} from '../core/api/catalog.js'
export type {EventApi, EventFilters} from '../core/api/event.js'
export type {KvApi, KvWriteOptions} from '../core/api/kv.js'
export type {KvChange, KvUpdateOptions, KvUpdateResult} from '../core/api/kv-update.js'
export type {Renewal, SessionApi} from '../core/api/session.js'
export type {TxnApi} from '../core/api/txn.js'
export {type ClientOptions, type ConsulClient, createClient} from '../core/client.js'
export {txnOperationLimit} from '../core/consul-constants.js'
export * from '../core/errors.js'
export type {Answer, Call, Caller} from '../core/http/caller.js'
export {NodeTransport} from '../core/http/node-transport.js'
export type {TlsOptions} from '../core/http/tls.js'
export {undiciTransport} from '../core/http/undici-transport.js'
export {jsonReplacer} from '../core/json-replacer.js'
export {noopLogger} from '../core/log.js'
export {follow} from '../core/query/follow.js'
export {type PreparedQueryTopicOptions, preparedQuery} from '../core/query/prepared-query.js'
export {
  checks,
  events,
  kvKey,
  kvKeys,
  kvPrefix,
  nodes,
  type ServiceSummary,
  service,
  services,
  type TopicScope,
} from '../core/query/topics.js'
export type * from '../core/query/types.js'
export {createViewRegistry, type ViewRegistryOptions} from '../core/query/view-registry.js'
export {systemClock, systemRandom} from '../core/time/clock.js'
export {formatDuration, parseDuration} from '../core/time/duration.js'
export type * from '../core/types.js'
