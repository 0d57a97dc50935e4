import {encodeTxn} from '../../core/api/txn.js'
import type {ClientOptions, ConsulClient} from '../../core/client.js'
import {defaultAddress, parseAddress} from '../../core/http/address.js'
import type {KvOperation, SessionId} from '../../core/types.js'
import type {OrphanRelease, OrphanRequest} from '../../process/guardian/guardian.js'

export interface OrphanReleaseOptions {
  /** Transactions to send before the session is destroyed. */
  readonly lastWill: readonly (readonly KvOperation[])[]
  readonly connection: ClientOptions
  readonly scope: ConsulClient['scope']
}

/**
 * Makes the requests that the guardian sends after baton has died, when no process of the child is left. They unlock a
 * mutex and delete its key, so that no lock-delay starts; a slot of a semaphore ends with its session. If the lock was not
 * granted yet, Consul refuses the unlock, and only the session ends.
 */
export function orphanRelease(session: SessionId, options: OrphanReleaseOptions): OrphanRelease {
  const {connection, lastWill, scope} = options
  const address = parseAddress(connection.address ?? defaultAddress, {ssl: connection.ssl ?? false})
  const {protocol, hostname, port, basePath, socketPath} = address
  const query = new URLSearchParams()
  if (scope.datacenter !== undefined) query.set('dc', scope.datacenter)
  if (scope.namespace !== undefined) query.set('ns', scope.namespace)
  if (scope.partition !== undefined) query.set('partition', scope.partition)
  const token = typeof connection.token === 'function' ? connection.token() : connection.token
  const put = (path: string, body: Uint8Array): OrphanRequest => ({
    method: 'PUT',
    path: `${basePath}${path}?${query.toString()}`,
    headers: {
      'content-length': String(body.byteLength),
      ...(token !== undefined && token !== '' && {'x-consul-token': token}),
      ...(connection.auth !== undefined && {
        authorization: `Basic ${Buffer.from(connection.auth).toString('base64')}`,
      }),
    },
    body,
  })
  return {
    target: {
      protocol,
      ...(socketPath === undefined ? {host: hostname, port} : {socketPath}),
      ...(protocol === 'https:' && connection.tls),
    },
    requests: [
      ...lastWill.map(operations => put('/v1/txn', encodeTxn(operations, scope))),
      put(`/v1/session/destroy/${session}`, new Uint8Array()),
    ],
  }
}
