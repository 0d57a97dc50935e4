import type {Mapping} from '../types.js'
import {isAlive, type ReplicatorReport} from './replicator-report.js'
import type {StatusDocument} from './status-document.js'

/**
 * How a mapping is doing, from good to bad: `healthy`; `warning` if it is behind, or something is held, refused or hidden;
 * `critical` if no replicator runs, or Consul does not answer the only ones that do; `unknown` if its status key does not
 * say.
 */
export type Health = 'healthy' | 'warning' | 'critical' | 'unknown'

/** A replicator's report, and whether the replicator runs. */
export type JudgedReport = ReplicatorReport & {readonly isAlive: boolean}

/** What the status key of a mapping says, for people. */
export interface MappingReport {
  readonly mapping: Mapping
  readonly health: Health
  readonly lastReplicated: bigint
  readonly keys: number
  /** Of the replicator that counts: the most current of those that run, else one that died, else the last one. */
  readonly best: JudgedReport | undefined
  /** All of them, each with whether it runs. */
  readonly replicators: readonly JudgedReport[]
}

/** Judges a mapping by what its replicators have written. */
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
