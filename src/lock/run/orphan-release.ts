import {encodeTxn} from '../../core/api/txn.js'
import type {ClientOptions, ConsulClient} from '../../core/client.js'
import type {KvOperation, SessionId} from '../../core/types.js'
import {agentRequests} from '../../process/guardian/agent-requests.js'
import type {OrphanRelease} from '../../process/guardian/guardian.js'

export interface OrphanReleaseOptions {
  /** Transactions to send before the session is destroyed. */
  readonly lastWill: readonly (readonly KvOperation[])[]
  readonly connection: ClientOptions
  readonly scope: ConsulClient['scope']
}

/**
 * Makes the requests that the guardian process sends after baton has died, when no process of the child is left. They
 * unlock a mutex and delete its key, so that no lock-delay starts; a slot of a semaphore ends with its session. If
 * baton died before it had the lock, Consul refuses the unlock, and only the session ends.
 */
export function orphanRelease(session: SessionId, options: OrphanReleaseOptions): OrphanRelease {
  const {connection, lastWill, scope} = options
  const {target, put} = agentRequests(connection, scope)
  return {
    target,
    requests: [
      ...lastWill.map(operations => put('/v1/txn', encodeTxn(operations, scope))),
      put(`/v1/session/destroy/${session}`),
    ],
  }
}
