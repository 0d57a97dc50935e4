import type {NodeShare} from '../../types.js'

/** Converts a share of `total` nodes to a number of nodes, rounded down. */
export const countOf = (share: NodeShare, total: number): number =>
  typeof share === 'number' ? share : Math.floor((total * Number.parseFloat(share)) / 100)

/**
 * Divides nodes into batches of these sizes. The last size is repeated. Each batch has at least one node.
 */
export function toBatches(nodes: readonly string[], sizes: readonly NodeShare[]): readonly (readonly string[])[] {
  const batches: (readonly string[])[] = []
  for (let at = 0; at < nodes.length; at += batches.at(-1)?.length ?? 1) {
    const size = sizes[Math.min(batches.length, sizes.length - 1)] ?? '100%'
    batches.push(nodes.slice(at, at + Math.max(1, countOf(size, nodes.length))))
  }
  return batches
}
