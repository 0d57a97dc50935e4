import {formatDuration} from '../../core/time/duration.js'
import {formatMapping} from '../../replicate/mapping.js'
import {printable} from '../../replicate/plan/held.js'
import type {JournalPass} from '../../replicate/undo/read-journal.js'
import type {UndoneKey} from '../../replicate/undo/undo.js'
import type {UndoResult} from '../../replicate/undo/undo-passes.js'

/** Returns a line about each replication pass that can be undone. */
export const passLines = (passes: readonly JournalPass[], nowMs: number): readonly string[] =>
  passes.map(({pass, mapping, atMs, lines}) => {
    const overwritten = lines.filter(({written}) => written !== undefined).length
    const ago = formatDuration(Math.max(0, Math.round((nowMs - atMs) / 1000) * 1000))
    return `${pass}  ${ago} ago  ${formatMapping(mapping)}: ${overwritten} overwritten, ${lines.length - overwritten} deleted`
  })

const outcomes: Readonly<Record<Exclude<UndoneKey['outcome'], 'restored' | 'same'>, string>> = {
  changed: 'was changed since',
  refused: 'was refused',
}

/** Returns a line about each key that is left alone and, in a dry run, each key that would be restored. */
export const undoLines = (keys: readonly UndoneKey[], isDryRun: boolean): readonly string[] =>
  keys.flatMap(({key, outcome, isCreated}) => {
    if (outcome === 'same') return []
    if (outcome === 'restored') return isDryRun ? [`${isCreated ? '+' : '~'} ${printable(key)}`] : []
    return [`= ${printable(key)} (${outcomes[outcome]})`]
  })

export function undoSummary({keys, holdId}: UndoResult, isDryRun: boolean): string {
  const count = (outcome: UndoneKey['outcome']): number => keys.filter(each => each.outcome === outcome).length
  if (keys.length === 0) return 'nothing to undo'
  const parts = [
    `${count('restored')} ${isDryRun ? 'to restore' : 'restored'}`,
    ...(count('same') > 0 ? [`${count('same')} as before`] : []),
    ...(count('changed') > 0 ? [`${count('changed')} changed since, left alone`] : []),
    ...(count('refused') > 0 ? [`${count('refused')} refused`] : []),
  ]
  const until =
    holdId === undefined
      ? ''
      : `; replicators leave them alone until the source changes them, or: baton replicate undo --release ${holdId}`
  return `${parts.join(', ')}${until}`
}
