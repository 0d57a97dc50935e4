import {UsageError} from '../core/errors.js'
import type {Cluster} from './cluster.js'
import type {Datacenter} from './datacenter.js'
import type {FaultRule} from './faults.js'
import {checkAdvance, checkDatacenter, checkFaultRule, checkRestart, checkSnapshot} from './options.js'
import {renumber} from './store/renumber.js'
import type {StateImage} from './store/state.js'

/** A saved state of one datacenter. */
export interface EmbeddedSnapshot {
  /** Name of the datacenter. */
  readonly datacenter: string
  /** Tables and indexes. Callers cannot interpret them. */
  readonly image: StateImage
}

/** The current load and size of one datacenter. */
export interface EmbeddedStatistics {
  /** Number of blocking queries that are waiting. */
  readonly parked: number
  /** Number of blocking queries that a change has woken since the start. */
  readonly wakeUps: number
  /** Index of the last write. */
  readonly index: bigint
  /** Number of keys. */
  readonly keys: number
}

/** Injects faults into an agent. `datacenter` defaults to the first one; an unknown name throws a UsageError. */
export interface FaultPanel {
  /**
   * Applies a rule to matching requests until the rule is disposed or used up. Throws a UsageError for an invalid rule.
   */
  inject(rule: FaultRule): Disposable
  /** Removes all rules. */
  clear(): void
  /** Removes the leader. Requests then wait 7 s for a new one and fail, and sessions do not expire. */
  loseLeader(datacenter?: string): void
  /** Elects a leader. It restarts every session's TTL and has no lock-delays. */
  electLeader(datacenter?: string): void
  /** Cuts all open connections, including those of blocking queries. */
  dropConnections(): void
  /**
   * Restarts the agent on the same addresses. Events and lock-delays are lost. With `keepState` (the default), the data
   * is kept; without it, the agent starts again with its initial state. Rejects with a UsageError if a port is taken.
   */
  restart(options?: {readonly keepState?: boolean}): Promise<void>
  /** Returns a copy of a datacenter's state, which `restoreSnapshot` can restore. */
  saveSnapshot(datacenter?: string): EmbeddedSnapshot
  /** Restores a saved state, including its indexes, and wakes all blocking queries. */
  restoreSnapshot(snapshot: EmbeddedSnapshot): void
  /** Gives all data lower indexes, as after a cluster was rebuilt from a copy, and wakes all blocking queries. */
  rewindIndexes(datacenter?: string): void
  /**
   * Advances the agent's clock by `ms`. Sessions, checks, lock-delays and blocking queries expire as if that time had
   * passed.
   */
  fastForward(ms: number): void
  /** Returns the load and size of a datacenter. */
  statistics(datacenter?: string): EmbeddedStatistics
}

export interface PanelParts {
  readonly cluster: Cluster
  readonly local: Datacenter
  readonly doors: {
    drop(): void
    reopen(between: () => void): Promise<void>
  }
  /** The initial state of each datacenter, with its nodes and seed keys. */
  readonly pristine: ReadonlyMap<string, StateImage>
}

export function createFaultPanel({cluster, local, doors, pristine}: PanelParts): FaultPanel {
  const named = (name = local.name): Datacenter => {
    checkDatacenter(name)
    const found = cluster.datacenters.get(name)
    if (!found) throw new UsageError(`embedded agent: no datacenter '${name}'`)
    return found
  }
  return {
    inject: rule => {
      checkFaultRule(rule)
      return cluster.faults.inject(rule)
    },
    clear: () => cluster.faults.clear(),
    loseLeader: name => void (named(name).hasLeader = false),
    electLeader: name => named(name).electLeader(),
    dropConnections: () => doors.drop(),
    restart: async (options = {}) => {
      checkRestart(options)
      const {keepState = true} = options
      await doors.reopen(() => {
        for (const datacenter of cluster.datacenters.values()) {
          for (const agent of datacenter.agents) agent.forget(keepState)
          const image = keepState ? undefined : pristine.get(datacenter.name)
          if (image) datacenter.restore(image)
          else datacenter.electLeader()
        }
      })
    },
    saveSnapshot: name => ({datacenter: named(name).name, image: named(name).state.save()}),
    restoreSnapshot: snapshot => {
      checkSnapshot(snapshot)
      named(snapshot.datacenter).restore(snapshot.image)
    },
    rewindIndexes: name => named(name).restore(renumber(named(name).state.save())),
    fastForward: ms => {
      checkAdvance(ms)
      cluster.clock.advance(ms)
    },
    statistics: name => {
      const {state} = named(name)
      return {parked: state.watches.parked, wakeUps: state.watches.wakeUps, index: state.index, keys: state.kv.size}
    },
  }
}
