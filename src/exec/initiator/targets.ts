import type {ConsulClient} from '../../core/client.js'
import type {ServiceInstance} from '../../core/types.js'
import type {CompiledSelector} from './selector.js'

/** The service that responders register themselves as. */
export const responderService = 'baton-responder'
/** Key of the service's metadata that holds the responder's name, where it is not the name of Consul's node. */
export const responderNameKey = 'responder'

/** Every Consul server has this one in the catalog, but not among its own services, which filters are judged by. */
const catalogOnlyService = 'consul'
const serviceReadsAtOnce = 8

export interface AgentTarget {
  readonly node: string
  readonly isDown: boolean
}

export interface ResponderTarget {
  readonly name: string
  /** Consul's node whose agent it registered with. */
  readonly consulNode: string
}

export interface Targets {
  /** Nodes with an agent that match the selector. */
  readonly agents: readonly AgentTarget[]
  /** Passing responders that match it. */
  readonly responders: readonly ResponderTarget[]
  /** Consul nodes that have a passing responder, whether it matched or not: `_rexec` leaves them alone. */
  readonly coveredNodes: ReadonlySet<string>
  /** The service filter matched no ID, but these names. */
  readonly serviceNamesMatched: readonly string[]
}

/** A state from before would leave nodes out, or name those that have gone. */
const newest = {consistency: 'consistent'} as const

/** Foretells which nodes a job will reach, from the catalog and the health checks, by the rules the agents go by. */
export async function findTargets(
  client: ConsulClient,
  selector: CompiledSelector,
  {signal}: {readonly signal: AbortSignal},
): Promise<Targets> {
  const options = {...newest, signal}
  const [checks, instances, byService] = await Promise.all([
    client.catalog.checksInState('any', options),
    client.catalog.service(responderService, {...options, passing: true}),
    selector.needsServices ? nodesByService(client, selector, signal) : undefined,
  ])
  const hasService = (node: string): boolean => byService === undefined || byService.nodes.has(node)
  const agents = checks.value
    .filter(check => check.checkId === 'serfHealth')
    .filter(check => selector.matchesName(check.node) && hasService(check.node))
    .map(check => ({node: check.node, isDown: check.status !== 'passing'}))
  const responders = instances.value.map(toResponder)
  return {
    agents: agents.toSorted((a, b) => (a.node < b.node ? -1 : 1)),
    responders: uniqueByName(responders.filter(one => selector.matchesName(one.name) && hasService(one.consulNode))),
    coveredNodes: new Set(responders.map(one => one.consulNode)),
    serviceNamesMatched: byService?.namesMatched ?? [],
  }
}

function toResponder(instance: ServiceInstance): ResponderTarget {
  const {node} = instance.node
  return {name: instance.meta[responderNameKey] ?? node, consulNode: node}
}

function uniqueByName(responders: readonly ResponderTarget[]): readonly ResponderTarget[] {
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

/** Asks Consul whether the node's agent is alive. Where that cannot be known, it counts as alive. */
export async function isNodePassing(client: ConsulClient, node: string, signal: AbortSignal): Promise<boolean> {
  const {value: checks} = await client.catalog.checksInState('any', {...newest, signal})
  const check = checks.find(one => one.node === node && one.checkId === 'serfHealth')
  return check !== undefined && check.status === 'passing'
}

/** Of these responders, those whose checks pass. */
export async function passingResponders(client: ConsulClient, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const {value} = await client.catalog.service(responderService, {...newest, passing: true, signal})
  return new Set(value.map(instance => toResponder(instance).name))
}
