/**
 * `consul-baton/replicate`: copies of keys from other datacenters.
 *
 * @module consul-baton/replicate
 */
export {formatMapping, parseMapping} from '../replicate/mapping.js'
export {type PlanOptions, planReplication, type ReplicationPlan} from '../replicate/plan/plan-replication.js'
export {createReplicator} from '../replicate/replicator.js'
export type * from '../replicate/types.js'
