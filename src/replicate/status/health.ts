import type {Mapping} from '../types.js'
import {isAlive, type ReplicatorReport} from './replicator-report.js'
import type {StatusDocument} from './status-document.js'

/**
 * The condition of a mapping, from good to bad: `healthy`; `warning` if the copy is behind, deletes are held back, or
 * keys are refused or hidden; `critical` if no replicator is running, or Consul does not answer the running ones.
 * `unknown` if the status key contains no report.
 */
export type Health = 'healthy' | 'warning' | 'critical' | 'unknown'

/** The report of a replicator, and whether the replicator is running. */
export type JudgedReport = ReplicatorReport & {readonly isAlive: boolean}

/** The content of a mapping's status key, in a form for display. */
export interface MappingReport {
  readonly mapping: Mapping
  readonly health: Health
  readonly lastReplicated: bigint
  readonly keys: number
  /**
   * The report that counts: that of the running replicator whose copy is most current; if none is running,
   * that of one that died; otherwise the last one.
   */
  readonly best: JudgedReport | undefined
  /** The reports of all replicators. */
  readonly replicators: readonly JudgedReport[]
}

/** Judges a mapping by the reports of its replicators. */
export function toMappingReport(
  {source, destination, record, replicators}: StatusDocument,
  {nowMs, mostLagMs}: {readonly nowMs: number; readonly mostLagMs: number},
): MappingReport {
  const all = replicators.map(report => ({...report, isAlive: isAlive(report, nowMs)}))
  const [best] = [...all].sort(byWorth)
  const datacenter = best?.datacenter ?? record.datacenter
  return {
    mapping: {source, datacenter, destination},
    health: healthOf(best, mostLagMs),
    lastReplicated: record.lastReplicated,
    keys: record.keys,
    best,
    replicators: all,
  }
}

function byWorth(a: JudgedReport, b: JudgedReport): number {
  if (a.isAlive !== b.isAlive) return a.isAlive ? -1 : 1
  if (isDead(a) !== isDead(b)) return isDead(a) ? -1 : 1
  if (!a.isAlive) return b.heartbeatMs - a.heartbeatMs
  return (b.currentAtMs ?? 0) - (a.currentAtMs ?? 0)
}

const isDead = ({isAlive: alive, phase}: JudgedReport): boolean => !alive && phase === 'running'

function healthOf(best: JudgedReport | undefined, mostLagMs: number): Health {
  if (!best) return 'unknown'
  if (!best.isAlive && best.phase !== 'finished') return 'critical'
  if (best.retrying && best.lagMs > mostLagMs) return 'critical'
  const isOpen = best.held + best.refused + best.hidden > 0 || best.currentAtMs === undefined
  return isOpen || best.retrying || best.lagMs > mostLagMs ? 'warning' : 'healthy'
}
