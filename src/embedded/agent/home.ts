import type {Clock, Random} from '../../core/types.js'
import type {ScriptRunner} from '../checks/probe.js'
import type {Profile} from '../profile.js'
import type {State} from '../store/state.js'

/** The parts of a datacenter that the datacenter's agents use. */
export interface AgentHome {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly state: State
  readonly profile: Profile
  /** Runs script checks; undefined if they are refused. */
  readonly runScript: ScriptRunner | undefined
}
