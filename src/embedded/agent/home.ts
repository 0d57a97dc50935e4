import type {Clock} from '../../core/types.js'
import type {Profile} from '../profile.js'
import type {State} from '../store/state.js'

/** What an agent knows of the datacenter that it belongs to. */
export interface AgentHome {
  readonly name: string
  readonly clock: Clock
  readonly state: State
  readonly profile: Profile
}
