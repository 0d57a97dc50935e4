import type {ConsulClient} from '../core/client.js'
import {BatonError, ConsulError} from '../core/errors.js'

/** Consul's answer where a session's node is not one of the datacenter it is created in. */
export const isForeignNode = (error: unknown): boolean =>
  error instanceof ConsulError && error.text.includes('Missing node registration')

/**
 * The node of a healthy server of the client's datacenter. A session in a datacenter other than the agent's is
 * attached to it, as `consul exec` does: every session needs a node there, and no agent of ours is one.
 */
export async function pickServerNode(client: ConsulClient, signal?: AbortSignal): Promise<string> {
  const {value: servers} = await client.catalog.service('consul', {passing: true, ...(signal && {signal})})
  const server = servers[Math.floor(client.random() * servers.length)]
  if (server) return server.node.node
  const where = client.scope.datacenter ?? 'of the agent'
  throw new BatonError('BATON_NO_LEADER', `datacenter ${where}: no healthy server found`, {
    transient: true,
  })
}
