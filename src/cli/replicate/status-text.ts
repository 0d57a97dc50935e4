import {formatDuration} from '../../core/time/duration.js'
import {formatMapping} from '../../replicate/mapping.js'
import type {JudgedReport, MappingReport} from '../../replicate/status/health.js'
import type {ReplicatorReport} from '../../replicate/status/replicator-report.js'

const ago = (ms: number, nowMs: number): string => formatDuration(Math.max(0, Math.round((nowMs - ms) / 1000) * 1000))

const noticedLagMs = 1000

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

/**
 * Returns a line about a mapping. If the mapping has several replicators, a line about each of them is added.
 */
export function statusLines(report: MappingReport, nowMs: number): readonly string[] {
  const {mapping, health, best, keys, replicators} = report
  const facts = best ? factsOf(best, {keys, nowMs}) : [`position ${report.lastReplicated}, written by consul-replicate`]
  const head = `${health.padEnd(8)}  ${formatMapping(mapping)}: ${facts.join(', ')}`
  if (replicators.length < 2) return best ? [`${head}; ${whoLine(best, nowMs)}`] : [head]
  const newestFirst = [...replicators].sort((a, b) => b.heartbeatMs - a.heartbeatMs)
  return [head, ...newestFirst.map(each => `            ${whoLine(each, nowMs)}`)]
}

function factsOf(
  best: JudgedReport,
  {keys, nowMs}: {readonly keys: number; readonly nowMs: number},
): readonly string[] {
  const {currentAtMs, equalAtMs, retrying, held, refused, hidden, lagMs} = best
  const isOpen = held + refused + hidden > 0
  return [
    best.isAlive || best.phase === 'finished'
      ? stateText(best, nowMs)
      : `${goneText(best)}: ${staleText(currentAtMs, nowMs)}`,
    ...(retrying && best.isAlive
      ? [`${partTexts[retrying.part]} for ${ago(retrying.sinceMs, nowMs)}: ${retrying.reason}`]
      : []),
    ...(best.isAlive && lagMs >= noticedLagMs ? [`lag ${formatDuration(Math.round(lagMs / 1000) * 1000)}`] : []),
    ...(keys >= 0 ? [count(keys, 'key')] : []),
    ...(held > 0 ? [`${count(held, 'delete')} held`] : []),
    ...(refused > 0 ? [`${count(refused, 'key')} set aside`] : []),
    ...(hidden > 0 ? [`${count(hidden, 'key')} hidden from the token`] : []),
    equalText(equalAtMs, {isOpen, nowMs}),
  ]
}

function equalText(
  equalAtMs: number | undefined,
  {isOpen, nowMs}: {readonly isOpen: boolean; readonly nowMs: number},
): string {
  if (equalAtMs === undefined) return 'never equal'
  return `${isOpen ? 'last ' : ''}equal ${ago(equalAtMs, nowMs)} ago`
}

const partTexts: Readonly<Record<NonNullable<ReplicatorReport['retrying']>['part'], string>> = {
  agent: 'waiting for the agent',
  source: 'waiting for the source',
  destination: 'waiting for the destination',
  pass: 'copying fails',
}

const stateText = ({state, phase, currentAtMs, lagMs}: ReplicatorReport, nowMs: number): string => {
  if (state === 'starting') return 'the first copy is not complete'
  if (state === 'retrying') return staleText(currentAtMs, nowMs)
  return phase === 'finished' ? 'copied' : lagMs >= noticedLagMs ? 'copying changes' : 'up to date'
}

const goneText = ({phase}: ReplicatorReport): string => (phase === 'stopped' ? 'stopped' : 'no replicator runs')

const staleText = (currentAtMs: number | undefined, nowMs: number): string =>
  currentAtMs === undefined
    ? 'never copied completely'
    : `stale since ${new Date(currentAtMs).toISOString().slice(0, 19)}Z (${ago(currentAtMs, nowMs)})`

function whoLine(report: JudgedReport, nowMs: number): string {
  const {host, pid, phase, heartbeatMs} = report
  const when = ago(heartbeatMs, nowMs)
  const heard =
    phase === 'running' ? (report.isAlive ? `heartbeat ${when} ago` : `silent for ${when}`) : `${phase} ${when} ago`
  return `${host} (pid ${pid}): ${heard}`
}

const toIso = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString())

/** Returns a mapping as an object of `--json`. */
export function toMappingJson({best, replicators, ...report}: MappingReport): Readonly<Record<string, unknown>> {
  return {...report, replicator: best?.id ?? null, replicators: replicators.map(toReplicator)}
}

function toReplicator(report: MappingReport['replicators'][number]): Readonly<Record<string, unknown>> {
  const {startedAtMs, heartbeatMs, currentAtMs, equalAtMs, retrying, ...rest} = report
  return {
    ...rest,
    startedAt: toIso(startedAtMs),
    heartbeatAt: toIso(heartbeatMs),
    currentAt: toIso(currentAtMs),
    equalAt: toIso(equalAtMs),
    retrying: retrying ? {part: retrying.part, since: toIso(retrying.sinceMs), reason: retrying.reason} : null,
  }
}
