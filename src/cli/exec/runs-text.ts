import type {StoredRun} from '../../exec/initiator-types.js'
import {commandText} from './job-command.js'
import {printable} from './printable.js'

/** Returns one line for each job: its ID, time, sender, progress and command. */
export function runLines(runs: readonly StoredRun[]): readonly string[] {
  return runs.map(run => {
    const {id, issuedAtMs, requester} = run
    const since = toInstant(issuedAtMs)
    return printable(
      `${id}  ${since}  ${requester.name}@${requester.host}  ${progressOf(run)}  ${commandText(run.command)}`,
    )
  })
}

function progressOf({nodes, waitingCount, runningCount, endedCount}: StoredRun): string {
  const parts = [
    ...(waitingCount > 0 ? [`${waitingCount} waiting`] : []),
    ...(runningCount > 0 ? [`${runningCount} running`] : []),
    ...(endedCount > 0 ? [`${endedCount} ended`] : []),
  ]
  return `${nodes.length} node(s): ${parts.join(', ')}`
}

/** Returns the object of `--json`. */
export const runsJson = (runs: readonly StoredRun[]): object => ({
  jobs: runs.map(({id, issuedAtMs, beginsUntilMs, keptUntilMs, nodes, requester, command, signers, ...counts}) => ({
    job: id,
    issued: toIso(issuedAtMs),
    beginsUntil: toIso(beginsUntilMs),
    ...(keptUntilMs !== undefined && {keptUntil: toIso(keptUntilMs)}),
    requester,
    signers,
    command: commandText(command),
    nodes,
    ...counts,
  })),
})

const toInstant = (ms: number): string => toIso(ms).slice(0, 19).replace('T', ' ')

/**
 * Formats a time that a job states about itself. A time beyond the range of JavaScript dates is shown as the last valid
 * date.
 */
const toIso = (ms: number): string => new Date(Math.min(ms, 8.64e15)).toISOString()
