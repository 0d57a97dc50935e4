import type {MappingState, RetryingPart} from '../types.js'

/** Whether a replicator is running. `finished` means that a run with a defined end, such as `runOnce`, has ended. */
export type ReplicatorPhase = 'running' | 'stopped' | 'finished'

/** The report of a replicator on itself and on one mapping, which it writes to the mapping's status key. */
export interface ReplicatorReport {
  /** Random ID of the replicator. */
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly phase: ReplicatorPhase
  /** The source's datacenter; undefined if it is unknown. */
  readonly datacenter: string | undefined
  readonly startedAtMs: number
  /** Time at which the report was written. */
  readonly heartbeatMs: number
  /** Interval at which the report is written again. */
  readonly everyMs: number
  readonly state: MappingState
  readonly lagMs: number
  /** Time up to which the destination has every change of the source. */
  readonly currentAtMs: number | undefined
  /** Time at which source and destination were last known to be equal. */
  readonly equalAtMs: number | undefined
  readonly held: number
  readonly refused: number
  readonly hidden: number
  readonly retrying: {readonly part: RetryingPart; readonly sinceMs: number; readonly reason: string} | undefined
}

const version = 1

export const encodeReport = (report: ReplicatorReport): Readonly<Record<string, unknown>> => ({
  Version: version,
  ID: report.id,
  Host: report.host,
  PID: report.pid,
  Phase: report.phase,
  Datacenter: report.datacenter,
  StartedAt: toIso(report.startedAtMs),
  Heartbeat: toIso(report.heartbeatMs),
  EverySeconds: report.everyMs / 1000,
  State: report.state,
  LagSeconds: Math.round(report.lagMs) / 1000,
  CurrentAt: toIso(report.currentAtMs),
  EqualAt: toIso(report.equalAtMs),
  Held: report.held,
  Refused: report.refused,
  Hidden: report.hidden,
  Retrying: report.retrying && {
    Part: report.retrying.part,
    Since: toIso(report.retrying.sinceMs),
    Reason: report.retrying.reason,
  },
})

const toIso = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString()

const states: readonly string[] = ['starting', 'current', 'behind', 'retrying'] satisfies readonly MappingState[]
const phases: readonly string[] = ['running', 'stopped', 'finished'] satisfies readonly ReplicatorPhase[]
const parts: readonly string[] = ['agent', 'source', 'destination', 'pass'] satisfies readonly RetryingPart[]

type Fields = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const timeOf = (value: unknown): number | undefined =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? Date.parse(value) : undefined

const countOf = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0

const secondsOf = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value * 1000 : 0

/** Returns a list that contains only the decoded report, or an empty list if `encodeReport` did not write the value. */
export function decodeReport(value: unknown): readonly ReplicatorReport[] {
  if (!isRecord(value) || value['Version'] !== version) return []
  const {ID: id, Host: host, PID: pid, Phase: phase, State: state, Datacenter: datacenter} = value
  const [startedAtMs, heartbeatMs] = [timeOf(value['StartedAt']), timeOf(value['Heartbeat'])]
  if (typeof id !== 'string' || typeof host !== 'string' || startedAtMs === undefined || heartbeatMs === undefined)
    return []
  if (!phases.includes(phase as string) || !states.includes(state as string)) return []
  return [
    {
      id,
      host,
      pid: countOf(pid),
      phase: phase as ReplicatorPhase,
      datacenter: typeof datacenter === 'string' ? datacenter : undefined,
      startedAtMs,
      heartbeatMs,
      everyMs: secondsOf(value['EverySeconds']),
      state: state as MappingState,
      lagMs: secondsOf(value['LagSeconds']),
      currentAtMs: timeOf(value['CurrentAt']),
      equalAtMs: timeOf(value['EqualAt']),
      held: countOf(value['Held']),
      refused: countOf(value['Refused']),
      hidden: countOf(value['Hidden']),
      retrying: decodeRetrying(value['Retrying']),
    },
  ]
}

function decodeRetrying(value: unknown): ReplicatorReport['retrying'] {
  if (!isRecord(value)) return undefined
  const {Part: part, Reason: reason} = value
  const sinceMs = timeOf(value['Since'])
  if (!parts.includes(part as string) || sinceMs === undefined) return undefined
  return {part: part as RetryingPart, sinceMs, reason: typeof reason === 'string' ? reason : ''}
}

const missedHeartbeats = 3
const leastSilenceMs = 10_000

/** True if the heartbeat shows that the replicator is running. After three missed heartbeats, it counts as dead. */
export const isAlive = ({phase, heartbeatMs, everyMs}: ReplicatorReport, nowMs: number): boolean =>
  phase === 'running' && nowMs - heartbeatMs <= Math.max(leastSilenceMs, missedHeartbeats * everyMs)

const keepGoneMs = 3_600_000
const mostGone = 10

/**
 * Replaces the report of one replicator. Of replicators that are no longer running, the newest reports are
 * kept for an hour.
 */
export function withReport(
  reports: readonly ReplicatorReport[],
  own: ReplicatorReport,
  nowMs: number,
): readonly ReplicatorReport[] {
  const others = reports.filter(({id}) => id !== own.id)
  const gone = others
    .filter(report => !isAlive(report, nowMs) && nowMs - report.heartbeatMs < keepGoneMs)
    .sort((a, b) => b.heartbeatMs - a.heartbeatMs)
    .slice(0, mostGone)
  return [...others.filter(report => isAlive(report, nowMs)), ...gone, own]
}
