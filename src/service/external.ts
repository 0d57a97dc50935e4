import {decodeJson, encodeJson} from '../core/api/json.js'
import type {ConsulClient} from '../core/client.js'
import type {CallOptions} from '../core/types.js'

/** A service on a host that has no agent. */
export interface ExternalService {
  readonly id: string
  readonly name: string
  readonly port?: number
  readonly address?: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  /** Name of the host in the catalog. */
  readonly node: string
  readonly nodeAddress: string
}

/** Metadata by which monitors of external services, such as consul-esm, find nodes to check. */
const externalMeta = {'external-node': 'true', 'external-probe': 'true'}

/**
 * Writes a service to the catalog for a host that has no agent. The host becomes an external node. No agent removes
 * such entries, so the service stays registered until it is removed explicitly.
 */
export async function registerExternal(
  client: ConsulClient,
  service: ExternalService,
  options: CallOptions = {},
): Promise<void> {
  const {id, name, port, address, tags, meta, node, nodeAddress} = service
  const body = encodeJson({
    Node: node,
    Address: nodeAddress,
    NodeMeta: externalMeta,
    Service: {ID: id, Service: name, Port: port, Address: address, Tags: tags, Meta: meta},
  })
  await client.caller.call({method: 'PUT', path: '/v1/catalog/register', body}, options)
}

/** Removes a service of a node from the catalog. Succeeds if the service does not exist. */
export async function deregisterExternal(
  client: ConsulClient,
  {id, node}: {readonly id: string; readonly node: string},
  options: CallOptions = {},
): Promise<void> {
  const body = encodeJson({Node: node, ServiceID: id})
  await client.caller.call({method: 'PUT', path: '/v1/catalog/deregister', body}, options)
}

/** Resolves with true if the catalog has a service with this ID on the node. */
export async function hasExternal(
  client: ConsulClient,
  {id, node}: {readonly id: string; readonly node: string},
  options: CallOptions = {},
): Promise<boolean> {
  const path = `/v1/catalog/node/${encodeURIComponent(node)}`
  const answer = await client.caller.call({method: 'GET', path}, options)
  const found = decodeJson<{readonly Services?: Readonly<Record<string, unknown>>} | null>(path, answer)
  return found?.Services !== undefined && Object.hasOwn(found.Services, id)
}
