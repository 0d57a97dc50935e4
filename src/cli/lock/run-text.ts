import {formatDuration} from '../../core/time/duration.js'
import type {RunRecord} from '../../lock/wire/run-records.js'
import {printable} from '../exec/printable.js'

const ends: Readonly<Record<string, string>> = {
  'max-runtime': ', stopped by --max-runtime',
  stopped: ', stopped by a signal',
}

/** Returns the line that describes one run. */
export function runLine({startedAt, endedAt, end, exit, host, pid, command = 'a program', token}: RunRecord): string {
  const took = formatDuration(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)))
  const who = printable(`${command} on ${host}, pid ${pid}`)
  return `${printable(startedAt)}  ${exit === 0 ? 'ok' : `exit ${exit}`}${ends[end] ?? ''} after ${took}: ${who}, token ${printable(token)}`
}
