/** `consul-baton/lock`: mutexes, semaphores and sessions. */
export type {FencingToken, SessionId} from '../core/api/ids.js'
export type {LeaseDeadline} from '../lock/lease.js'
export {createMutex} from '../lock/mutex.js'
export {createSemaphore} from '../lock/semaphore.js'
export type * from '../lock/types.js'
export {openSession} from '../session/session.js'
export type * from '../session/types.js'
