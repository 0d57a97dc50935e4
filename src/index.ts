export type {AgentApi, AgentSelf, Member, ServiceRegistration} from './core/api/agent.js'
export type {CatalogApi, HealthServiceOptions} from './core/api/catalog.js'
export type {EventApi, EventFilters} from './core/api/event.js'
export type {KvApi, KvWriteOptions} from './core/api/kv.js'
export type {Renewal, SessionApi} from './core/api/session.js'
export {type TxnApi, txnOperationLimit} from './core/api/txn.js'
export type {ClientOptions, ConsulClient} from './core/client.js'
export {createClient} from './core/default-client.js'
export * from './core/errors.js'
export type {Answer, Call, Caller} from './core/http/caller.js'
export {NodeTransport, type TransportOptions} from './core/http/node-transport.js'
export type {TlsOptions} from './core/http/tls.js'
export {undiciTransport} from './core/http/undici-transport.js'
export {noopLogger} from './core/log.js'
export {follow} from './core/query/follow.js'
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
} from './core/query/topics.js'
export type * from './core/query/types.js'
export {createViewRegistry, type ViewRegistryOptions} from './core/query/view-registry.js'
export {systemClock, systemRandom} from './core/time/clock.js'
export {formatDuration, parseDuration} from './core/time/duration.js'
export type * from './core/types.js'
export type {ServiceDirectory} from './discover/directory.js'
export {openDirectory, readList} from './discover/open.js'
export type {DiscoverFrom} from './discover/source.js'
export type {Capability, DirectoryStatus, DiscoveredService} from './discover/types.js'
export {createInitiator, type InitiatorOptions} from './exec/initiator.js'
export type {SigningKey} from './exec/native/envelope.js'
export {type GeneratedKey, generateKey, parsePrivateKey} from './exec/native/keys.js'
export type {Policy} from './exec/native/policy.js'
export {type TrustSource, trustFromDirectory, trustKeys} from './exec/native/trust.js'
export {createResponder, type ResponderOptions} from './exec/responder/responder.js'
export type * from './exec/types.js'
export type {LeaseDeadline} from './lock/lease.js'
export {createMutex} from './lock/mutex.js'
export {createSemaphore} from './lock/semaphore.js'
export type * from './lock/types.js'
export {formatMapping, parseMapping} from './replicate/mapping.js'
export {createReplicator} from './replicate/replicator.js'
export type * from './replicate/types.js'
export {openSession} from './session/session.js'
export type * from './session/types.js'
