import type {ExecVerdict, NodeOutcome, NodeResult} from '../types.js'

const worstFirst: readonly (readonly [ExecVerdict, readonly NodeOutcome['type'][]])[] = [
  ['unfinished', ['unfinished']],
  ['refused', ['refused']],
  ['incomplete', ['timed-out', 'lost']],
  ['silent', ['no-answer']],
  ['failed', ['failed']],
  ['cancelled', ['cancelled', 'not-run']],
]

/**
 * Returns the worst outcome of the run. It is never `ok` if there is no node. `isStopped`: the run starts no more nodes.
 * That counts only if it left a node out.
 */
export function judgeResults(results: readonly NodeResult[], isStopped = false): ExecVerdict {
  if (results.length === 0) return 'no-nodes'
  const seen = new Set(results.map(result => result.outcome.type))
  if (isStopped && seen.has('not-run') && !seen.has('refused')) return 'stopped'
  const worst = worstFirst.find(([, outcomes]) => outcomes.some(outcome => seen.has(outcome)))?.[0]
  return worst ?? (results.some(({droppedBytes = 0}) => droppedBytes > 0) ? 'truncated' : 'ok')
}
