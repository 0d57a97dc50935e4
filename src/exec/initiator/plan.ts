import {checkedVersion, newestVersion, oldestVersion} from '../native/versions.js'
import type {ExpectedNode, Via} from '../types.js'
import type {CompiledSelector} from './selector.js'
import type {ResponderTarget, Targets} from './targets.js'

/** The nodes that are expected to answer, and how each one is reached. */
export interface Plan {
  readonly expected: readonly ExpectedNode[]
  /** Responders, by the version of the manifest that they receive. */
  readonly responders: ReadonlyMap<number, readonly ResponderTarget[]>
  readonly agents: readonly string[]
  /** True if the filters of an `_rexec` event can express the selector and match no agent that must be omitted. */
  readonly isSelectorEnough: boolean
  readonly serviceNamesMatched: readonly string[]
  /**
   * Names of Consul's nodes by responder name, for responders whose name differs from that of their
   * node.
   */
  readonly consulNodes: ReadonlyMap<string, string>
}

export function planNodes(via: Via | 'auto', targets: Targets, selector: CompiledSelector): Plan {
  const responders = via === 'rexec' ? [] : targets.responders
  const agents = targets.agents.filter(
    agent => via === 'rexec' || (via === 'auto' && !targets.coveredNodes.has(agent.node)),
  )
  const reached = new Set([...responders.map(({name}) => name), ...agents.map(({node}) => node)])
  const byVersion = new Map<number, ResponderTarget[]>()
  for (const one of responders) {
    const version = Math.max(oldestVersion, Math.min(newestVersion, one.protocol))
    byVersion.set(version, [...(byVersion.get(version) ?? []), one])
  }
  return {
    expected: [
      ...responders.map(({name}) => ({node: name, via: 'native' as const})),
      ...agents.map(({node, isDown}) => ({node, via: 'rexec' as const, ...(isDown && {isDown})})),
      ...absentNodes(via, reached, {targets, selector}),
    ],
    responders: byVersion,
    agents: agents.map(one => one.node),
    isSelectorEnough: selector.isExpressible && (via === 'rexec' || targets.coveredNodes.size === 0),
    serviceNamesMatched: targets.serviceNamesMatched,
    consulNodes: new Map(responders.map(({name, consulNode}) => [name, consulNode])),
  }
}

/** Returns the nodes that the selector names but the job cannot reach. */
function absentNodes(
  via: Via | 'auto',
  reached: ReadonlySet<string>,
  {targets, selector}: {readonly targets: Targets; readonly selector: CompiledSelector},
): readonly ExpectedNode[] {
  if (!selector.names) return []
  const way = via === 'rexec' ? 'rexec' : 'native'
  const rest = targets.agents.map(({node}) => node).filter(node => !reached.has(node))
  return [
    ...targets.unknownNames.map(node => ({node, via: way, absence: 'unknown'}) as const),
    ...rest.map(node => {
      const absence = targets.coveredNodes.has(node) ? 'other-name' : 'no-responder'
      return {node, via: way, absence} as const
    }),
  ]
}

/** Returns the nodes of a plan that cannot check a job without running it. */
export const uncheckedNodes = ({responders, agents}: Plan): readonly string[] => [
  ...[...responders].flatMap(([version, nodes]) => (version < checkedVersion ? nodes.map(({name}) => name) : [])),
  ...agents,
]

/** Returns a plan in which these nodes do not receive the job, but remain in the list of expected nodes. */
export function withoutNodes(plan: Plan, nodes: ReadonlySet<string>): Plan {
  if (nodes.size === 0) return plan
  const rest = [...plan.responders].map(
    ([version, all]) => [version, all.filter(({name}) => !nodes.has(name))] as const,
  )
  return {
    ...plan,
    responders: new Map(rest.filter(([, all]) => all.length > 0)),
    agents: plan.agents.filter(node => !nodes.has(node)),
    isSelectorEnough: plan.isSelectorEnough && !plan.agents.some(node => nodes.has(node)),
  }
}
