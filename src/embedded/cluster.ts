import type {Logger, Random} from '../core/types.js'
import type {AclStore} from './acl/store.js'
import type {MovableClock} from './clock.js'
import type {Datacenter} from './datacenter.js'
import type {Faults} from './faults.js'
import type {Profile} from './profile.js'
import {HttpError} from './refusals.js'

/** State that all datacenters of one process share. */
export interface Cluster {
  readonly clock: MovableClock
  readonly random: Random
  readonly logger: Logger
  readonly faults: Faults
  readonly datacenters: ReadonlyMap<string, Datacenter>
  /** Tokens and policies; undefined if ACLs are disabled. */
  readonly acl: AclStore | undefined
  readonly profile: Profile
  route(from: Datacenter, name: string): Datacenter
}

export function routeTo(datacenters: ReadonlyMap<string, Datacenter>, from: Datacenter, name: string): Datacenter {
  if (name === '') return from
  const target = datacenters.get(name)
  if (!target) throw new HttpError(500, 'No path to datacenter')
  return target
}
