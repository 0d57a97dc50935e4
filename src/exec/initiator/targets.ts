import type {ConsulClient} from '../../core/client.js'
import {serfHealth} from '../../core/consul-constants.js'
import type {CheckInfo, ServiceInstance} from '../../core/types.js'
import {oldestVersion} from '../native/versions.js'
import type {CompiledSelector} from './selector.js'

/** Name of the service under which responders register. */
export const responderService = 'baton-responder'
/** Key of the service's metadata that contains the responder's name, which may differ from the node's. */
export const responderNameKey = 'responder'
/** Key of the service's metadata that contains the newest version of manifests that the responder reads. */
export const responderProtocolKey = 'protocol'
/** Key of the service's metadata that contains the public key with which the responder signs its answers. */
export const responderAnswerKey = 'key'

/**
 * The catalog lists this service for every server, but it is not a service of the agent, and filters apply to services
 * of agents.
 */
const catalogOnlyService = 'consul'
const serviceReadsAtOnce = 8

export interface AgentTarget {
  readonly node: string
  readonly isDown: boolean
}

export interface ResponderTarget {
  readonly name: string
  /** Node of the agent that registered the responder. */
  readonly consulNode: string
  /** Newest version of the protocol that the responder reads. */
  readonly protocol: number
  /**
   * Public key with which the responder signs its answers, as a JWK coordinate; undefined if the responder registered
   * none.
   */
  readonly answerKey: string | undefined
}

export interface Targets {
  /** Nodes with an agent that match the selector. */
  readonly agents: readonly AgentTarget[]
  /** Responders that match the selector. Those with failing checks are included only on request. */
  readonly responders: readonly ResponderTarget[]
  /** Nodes that have a responder, even one that does not match. They do not receive `_rexec` jobs. */
  readonly coveredNodes: ReadonlySet<string>
  /** Names of services that the service filter matches. Empty if the filter also matches the ID of a service. */
  readonly serviceNamesMatched: readonly string[]
  /** Names that the selector requires but Consul does not know. */
  readonly unknownNames: readonly string[]
}

/**
 * Consistency of reads of the catalog. A server with old state would omit new nodes, or return nodes that no longer
 * exist.
 */
const newest = {consistency: 'consistent'} as const

/** Predicts which nodes a job will reach. Applies the agents' rules to the catalog and the health checks. */
export async function findTargets(
  client: ConsulClient,
  selector: CompiledSelector,
  {signal, isAnyState = false}: {readonly signal: AbortSignal; readonly isAnyState?: boolean},
): Promise<Targets> {
  const options = {...newest, signal}
  const [checks, responders, byService] = await Promise.all([
    client.catalog.checksInState('any', options),
    readResponders(client, {signal, isAnyState}),
    selector.needsServices ? nodesByService(client, selector, signal) : undefined,
  ])
  const failing = failingNodes(checks.value)
  const isWanted = (node: string): boolean =>
    (byService === undefined || byService.nodes.has(node)) &&
    (selector.health === undefined || failing.has(node) === (selector.health === 'failing'))
  const agents = checks.value.filter(check => check.checkId === serfHealth)
  const known = new Set([...agents.map(({node}) => node), ...responders.map(({name}) => name)])
  return {
    agents: agents
      .filter(check => selector.matchesName(check.node) && isWanted(check.node))
      .map(check => ({node: check.node, isDown: check.status !== 'passing'}))
      .toSorted((a, b) => (a.node < b.node ? -1 : 1)),
    responders: uniqueByName(responders.filter(one => selector.matchesName(one.name) && isWanted(one.consulNode))),
    coveredNodes: new Set(responders.map(one => one.consulNode)),
    serviceNamesMatched: byService?.namesMatched ?? [],
    unknownNames: [...(selector.names ?? [])].filter(name => !known.has(name) && selector.matchesName(name)),
  }
}

/**
 * Reads the responders whose checks pass, or all of them. Passing responders come last, because the last one of each
 * name counts.
 */
export async function readResponders(
  client: ConsulClient,
  {signal, isAnyState}: {readonly signal: AbortSignal; readonly isAnyState: boolean},
): Promise<readonly ResponderTarget[]> {
  const options = {...newest, signal}
  const [all, passing] = await Promise.all([
    isAnyState ? client.catalog.service(responderService, options) : undefined,
    client.catalog.service(responderService, {...options, passing: true}),
  ])
  return [...(all?.value ?? []), ...passing.value].map(toResponder)
}

/** Returns the nodes with a check that does not pass. The checks of responders are ignored. */
const failingNodes = (checks: readonly CheckInfo[]): ReadonlySet<string> =>
  new Set(
    checks.filter(check => check.status !== 'passing' && check.serviceName !== responderService).map(({node}) => node),
  )

function toResponder(instance: ServiceInstance): ResponderTarget {
  const {node} = instance.node
  const protocol = Number.parseInt(instance.meta[responderProtocolKey] ?? '', 10)
  return {
    name: instance.meta[responderNameKey] ?? node,
    consulNode: node,
    protocol: Number.isNaN(protocol) ? oldestVersion : protocol,
    answerKey: instance.meta[responderAnswerKey],
  }
}

/** Returns one responder for each name: the last one of that name. */
export function uniqueByName(responders: readonly ResponderTarget[]): readonly ResponderTarget[] {
  const byName = new Map(responders.map(one => [one.name, one]))
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function nodesByService(
  client: ConsulClient,
  selector: CompiledSelector,
  signal: AbortSignal,
): Promise<{readonly nodes: ReadonlySet<string>; readonly namesMatched: readonly string[]}> {
  const {value: services} = await client.catalog.services({...newest, signal})
  const names = [...services.keys()].filter(name => name !== catalogOnlyService)
  const nodes = new Set<string>()
  for (let at = 0; at < names.length; at += serviceReadsAtOnce) {
    const batch = names.slice(at, at + serviceReadsAtOnce)
    const answers = await Promise.all(batch.map(name => client.catalog.service(name, {...newest, signal})))
    for (const instance of answers.flatMap(answer => answer.value)) {
      const service = {id: instance.serviceId, tags: instance.tags}
      if (selector.matchesService(service)) nodes.add(instance.node.node)
    }
  }
  const namesMatched =
    nodes.size > 0 ? [] : names.filter(name => selector.matchesService({id: name, tags: services.get(name) ?? []}))
  return {nodes, namesMatched}
}

/** Resolves with true if the node's serfHealth check passes, and with false if the node has no such check. */
export async function isNodePassing(client: ConsulClient, node: string, signal: AbortSignal): Promise<boolean> {
  const {value: checks} = await client.catalog.checksInState('any', {...newest, signal})
  const check = checks.find(one => one.node === node && one.checkId === serfHealth)
  return check !== undefined && check.status === 'passing'
}

/** Resolves with the names of the responders whose checks pass. */
export async function passingResponders(client: ConsulClient, signal?: AbortSignal): Promise<ReadonlySet<string>> {
  const {value} = await client.catalog.service(responderService, {...newest, passing: true, ...(signal && {signal})})
  return new Set(value.map(instance => toResponder(instance).name))
}
