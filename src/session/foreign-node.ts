import type {ConsulClient} from '../core/client.js'
import {serfHealth} from '../core/consul-constants.js'
import {BatonError, ConsulError} from '../core/errors.js'

/** True if Consul refused a session because the session's node is not in the session's datacenter. */
export const isForeignNode = (error: unknown): boolean =>
  error instanceof ConsulError && error.text.includes('Missing node registration')

/**
 * Resolves to the node of a healthy server in the client's datacenter. A session outside the agent's own datacenter is
 * attached to that node, as with `consul exec`, because every session needs a node of its own datacenter.
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

/** Name of the node on which locks have their sessions, if it is registered. */
export const locksNode = 'baton-locks'
const findWithinMs = 1000

/**
 * Resolves to {@link locksNode} if the catalog has a node of this name that belongs to no agent, so that a session on
 * it remains when an agent leaves the cluster. Resolves to undefined if there is no such node, or if Consul does not
 * answer.
 */
export async function findLocksNode(client: ConsulClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    const {value: node} = await client.catalog.node(locksNode, {signal, timeoutMs: findWithinMs})
    if (node === undefined) return undefined
    return (await isExternalNode(client, locksNode, signal)) ? locksNode : undefined
  } catch (error) {
    signal.throwIfAborted()
    client.logger.debug({err: error}, `not found out whether there is a node ${locksNode}`)
    return undefined
  }
}

/**
 * Resolves to true if the node belongs to no agent and therefore stays in the catalog when an agent is restarted. Such
 * a node has no serfHealth check: that check belongs to the nodes of agents, which are removed when their agent leaves.
 * Resolves to false if the token may not read the node.
 */
export async function isExternalNode(client: ConsulClient, node: string, signal?: AbortSignal): Promise<boolean> {
  const options = {consistency: 'consistent', ...(signal && {signal})} as const
  const {value: checks} = await client.catalog.checksOfNode(node, options)
  // A node that the token may not read seems to have no checks either, so the node itself must be read, too.
  const {value: nodes} = await client.catalog.nodes(options)
  return nodes.some(one => one.node === node) && !checks.some(({checkId}) => checkId === serfHealth)
}
