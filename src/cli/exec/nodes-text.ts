import type {ExpectedNode, FoundNodes} from '../../exec/types.js'
import {printable} from './printable.js'

/**
 * Returns one line for each node, with its name, the way it is reached and its state, followed by a line with the
 * number of nodes.
 */
export function nodesText({nodes}: FoundNodes): string {
  const width = Math.max(0, ...nodes.map(({node}) => printable(node).length))
  const lines = nodes.map(one => `${printable(one.node).padEnd(width)}  ${one.via.padEnd(6)}  ${stateOf(one)}\n`)
  return `${lines.join('')}${nodes.length} node(s)\n`
}

function stateOf({via, isDown, absence}: ExpectedNode): string {
  if (absence === 'unknown') return 'unknown to Consul'
  if (absence === 'no-responder') return 'no passing responder'
  if (absence === 'other-name') return 'its responder has another name'
  if (isDown === true) return 'down'
  return via === 'native' ? 'responder passing' : 'agent passing'
}
