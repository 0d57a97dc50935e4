import type {ExpectedNode, Via} from '../types.js'
import type {Targets} from './targets.js'

/** The nodes that are expected to answer, and the way to each. */
export interface Plan {
  readonly expected: readonly ExpectedNode[]
  readonly responders: readonly string[]
  readonly agents: readonly string[]
  /** True if the event can carry the selector itself, because no matching agent must be left out. */
  readonly isSelectorEnough: boolean
}

export function planNodes(via: Via | 'auto', targets: Targets): Plan {
  const responders = via === 'rexec' ? [] : targets.responders
  const agents = targets.agents.filter(
    agent => via === 'rexec' || (via === 'auto' && !targets.coveredNodes.has(agent.node)),
  )
  return {
    expected: [
      ...responders.map(({name}) => ({node: name, via: 'native' as const})),
      ...agents.map(({node, isDown}) => ({node, via: 'rexec' as const, ...(isDown && {isDown})})),
    ],
    responders: responders.map(one => one.name),
    agents: agents.map(one => one.node),
    isSelectorEnough: via === 'rexec' || targets.coveredNodes.size === 0,
  }
}
