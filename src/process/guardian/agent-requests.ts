import type {ClientOptions, ConsulClient} from '../../core/client.js'
import {defaultAddress, parseAddress} from '../../core/http/address.js'
import type {OrphanRelease, OrphanRequest} from './guardian.js'

/** How the guardian process reaches the Consul agent. */
export interface AgentRequests {
  readonly target: OrphanRelease['target']
  /** Returns a PUT request with the token and the scope of the connection. */
  readonly put: (path: string, body?: Uint8Array) => OrphanRequest
}

/**
 * Prepares requests to the agent of a connection, to be sent by another process. They contain the connection's secrets.
 */
export function agentRequests(connection: ClientOptions, scope: ConsulClient['scope']): AgentRequests {
  const address = parseAddress(connection.address ?? defaultAddress, {ssl: connection.ssl ?? false})
  const {protocol, hostname, port, basePath, socketPath} = address
  const query = new URLSearchParams()
  if (scope.datacenter !== undefined) query.set('dc', scope.datacenter)
  if (scope.namespace !== undefined) query.set('ns', scope.namespace)
  if (scope.partition !== undefined) query.set('partition', scope.partition)
  const token = typeof connection.token === 'function' ? connection.token() : connection.token
  const headers = {
    ...(token !== undefined && token !== '' && {'x-consul-token': token}),
    ...(connection.auth !== undefined && {authorization: `Basic ${Buffer.from(connection.auth).toString('base64')}`}),
  }
  return {
    target: {
      protocol,
      ...(socketPath === undefined ? {host: hostname, port} : {socketPath}),
      ...(protocol === 'https:' && connection.tls),
    },
    put: (path, body = new Uint8Array()) => ({
      method: 'PUT',
      path: `${basePath}${path}?${query.toString()}`,
      headers: {'content-length': String(body.byteLength), ...headers},
      body,
    }),
  }
}
