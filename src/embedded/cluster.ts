import type {Logger, Random} from '../core/types.js'
import type {MovableClock} from './clock.js'
import type {Datacenter} from './datacenter.js'
import type {Faults} from './faults.js'
import {HttpError} from './http/reply.js'

/** What all datacenters of one process share. */
export interface Cluster {
  readonly clock: MovableClock
  readonly random: Random
  readonly logger: Logger
  readonly faults: Faults
  readonly datacenters: ReadonlyMap<string, Datacenter>
  readonly managementToken: string | undefined
  route(from: Datacenter, name: string): Datacenter
}

export const consulVersion = '1.8.7'

export function routeTo(datacenters: ReadonlyMap<string, Datacenter>, from: Datacenter, name: string): Datacenter {
  if (name === '') return from
  const target = datacenters.get(name)
  if (!target) throw new HttpError(500, 'No path to datacenter')
  return target
}

/** A random UUID from the injected source. */
export function randomUuid(random: Random): string {
  const hex = Array.from({length: 32}, () => Math.floor(random() * 16).toString(16)).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
