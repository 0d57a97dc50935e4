/**
 * `consul-baton`: the whole library, with the agent for tests, imports of keys, and watches.
 *
 * @module consul-baton
 */
export type {EmbeddedSnapshot, EmbeddedStatistics, FaultPanel} from './embedded/fault-panel.js'
export type {FaultRule} from './embedded/faults.js'
export {type EmbeddedAgent, startEmbeddedAgent} from './embedded/index.js'
export type {EmbeddedAgentOptions, SeedKey} from './embedded/options.js'
export type {SimulatedNode} from './embedded/populate.js'
export {type ExchangeEntry, exportText, parseExchange} from './kv/exchange.js'
export {type ImportEvent, type ImportOptions, type ImportResult, importEntries, planImport} from './kv/import.js'
export * from './library/client.js'
export * from './library/discover.js'
export * from './library/event.js'
export * from './library/exec.js'
export * from './library/lock.js'
export * from './library/replicate.js'
export type {Delivery, ItemChange} from './watch/delivery.js'
export {type WatchScope, watchQuery} from './watch/query.js'
export {type RunWatchOptions, runWatch} from './watch/run.js'
export {parseWatch, type WatchParameters, type WatchSpec, type WatchType} from './watch/spec.js'
export type {WatchItem, WatchValue} from './watch/value.js'
