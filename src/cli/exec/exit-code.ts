import type {ExecSummary, ExecVerdict} from '../../exec/types.js'

export const exitCodes: Readonly<Record<ExecVerdict, number>> = {
  ok: 0,
  failed: 2,
  incomplete: 3,
  silent: 4,
  'no-nodes': 5,
  truncated: 8,
  refused: 6,
  cancelled: 1,
  stopped: 7,
  unfinished: 9,
}

/** Returns the exit code of a run, or with `compat`, the one that Consul's tool would return. */
export function exitCodeOf(summary: ExecSummary, compat?: 'consul'): number {
  if (compat === undefined) return exitCodes[summary.verdict]
  const failed = summary.nodes.some(({outcome}) => outcome.type === 'failed')
  return failed || summary.completedCount < summary.ackedCount ? 2 : 0
}
