/**
 * `consul-baton/lock`: mutexes, semaphores and sessions.
 *
 * @module consul-baton/lock
 */
export type {FencingToken, SessionId} from '../core/api/ids.js'
export {createElection} from '../lock/election.js'
export type * from '../lock/election-types.js'
export {inspectLock, inspectLocks, type LockParty, type LockReadOptions, type LockStatus} from '../lock/inspect.js'
export type {LeaseDeadline} from '../lock/lease.js'
export {createMutex} from '../lock/mutex.js'
export {createSemaphore} from '../lock/semaphore.js'
export type * from '../lock/types.js'
export type {HolderRecord} from '../lock/wire/holder-record.js'
export {openSession} from '../session/session.js'
export type * from '../session/types.js'
