import {formatDuration} from '../../core/time/duration.js'
import type {DetachedRun} from '../../exec/initiator-types.js'
import {foldNodes} from '../../exec/node-set.js'
import type {Output} from '../output.js'
import {exitCodes} from './exit-code.js'
import {printable} from './printable.js'

/**
 * Prints the ID of a detached job, and the nodes that do not run the job. Returns the exit code.
 */
export function reportDetached(
  run: DetachedRun,
  {out, isJson, nowMs}: {readonly out: Output; readonly isJson: boolean; readonly nowMs: number},
): number {
  const {id, nodes, refused, keptUntilMs, beginsUntilMs} = run
  const keptUntil = new Date(keptUntilMs).toISOString()
  const beginsUntil = new Date(beginsUntilMs).toISOString()
  const exit = nodes.length === 0 && refused.length === 0 ? exitCodes['no-nodes'] : refused.length > 0 ? 6 : 0
  if (isJson) out.json({job: id, nodes, refused, beginsUntil, keptUntil, exit})
  for (const one of refused) out.warn(`exec: ${printable(one.node)}: refused: ${one.code}: ${printable(one.reason)}`)
  if (exit === exitCodes['no-nodes']) out.warn('exec: no node matched, so nothing runs')
  if (id === '') return exit
  if (!isJson) out.line(id)
  const names = foldNodes(nodes.map(printable))
  out.say(`exec: ${nodes.length} node(s) may begin it for ${formatDuration(beginsUntilMs - nowMs)}: ${names}`)
  out.say(`exec: its results are kept for ${formatDuration(keptUntilMs - nowMs)} at least: baton exec attach ${id}`)
  return exit
}
