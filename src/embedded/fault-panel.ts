import {UsageError} from '../core/errors.js'
import type {Cluster} from './cluster.js'
import type {Datacenter} from './datacenter.js'
import type {FaultRule} from './faults.js'
import {renumber} from './store/renumber.js'
import type {StateImage} from './store/state.js'

/** A saved state of one datacenter. */
export interface EmbeddedSnapshot {
  readonly datacenter: string
  readonly image: StateImage
}

/** What the agent has to do at this moment. */
export interface EmbeddedStatistics {
  /** Blocking queries that wait at this moment. */
  readonly parked: number
  /** Parked queries woken by a change since the start. */
  readonly wakeUps: number
  /** Index of the last command. */
  readonly index: bigint
  readonly keys: number
}

/** Everything that can go wrong with an agent, on command. `datacenter` defaults to the first. */
export interface FaultPanel {
  /** Makes matching requests fail or wait until the rule is disposed of or used up. */
  inject(rule: FaultRule): Disposable
  /** Lifts all rules. */
  clear(): void
  /** From now on requests wait 7 s for a leader and fail; sessions do not expire meanwhile. */
  loseLeader(datacenter?: string): void
  /** A new leader starts all sessions' time again and knows no lock delays. */
  electLeader(datacenter?: string): void
  /** Cuts all open connections, parked queries included. */
  dropConnections(): void
  /** Stops answering, then comes back on the same address; events and lock delays are lost, and with `keepState: false` everything is. */
  restart(options?: {readonly keepState?: boolean}): Promise<void>
  saveSnapshot(datacenter?: string): EmbeddedSnapshot
  /** Puts state and indexes back and wakes all parked queries. */
  restoreSnapshot(snapshot: EmbeddedSnapshot): void
  /** Keeps all data and gives it lower indexes, as after a cluster was rebuilt; wakes all parked queries. */
  rewindIndexes(datacenter?: string): void
  /** Puts all clocks of the agent forward: sessions, checks, lock delays and waits run out as if the time had passed. */
  fastForward(ms: number): void
  statistics(datacenter?: string): EmbeddedStatistics
}

export interface PanelParts {
  readonly cluster: Cluster
  readonly local: Datacenter
  readonly doors: {
    drop(): void
    reopen(between: () => void): Promise<void>
  }
  /** State of a datacenter that has only just been populated. */
  readonly pristine: ReadonlyMap<string, StateImage>
}

export function createFaultPanel({cluster, local, doors, pristine}: PanelParts): FaultPanel {
  const named = (name = local.name): Datacenter => {
    const found = cluster.datacenters.get(name)
    if (!found) throw new UsageError(`embedded agent: no datacenter '${name}'`)
    return found
  }
  return {
    inject: rule => cluster.faults.inject(rule),
    clear: () => cluster.faults.clear(),
    loseLeader: name => void (named(name).hasLeader = false),
    electLeader: name => named(name).electLeader(),
    dropConnections: () => doors.drop(),
    restart: async ({keepState = true} = {}) => {
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
    restoreSnapshot: ({datacenter, image}) => named(datacenter).restore(image),
    rewindIndexes: name => named(name).restore(renumber(named(name).state.save())),
    fastForward: ms => cluster.clock.advance(ms),
    statistics: name => {
      const {state} = named(name)
      return {parked: state.watches.parked, wakeUps: state.watches.wakeUps, index: state.index, keys: state.kv.size}
    },
  }
}
