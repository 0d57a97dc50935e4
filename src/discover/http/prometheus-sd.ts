import {labelName} from '../label-name.js'
import type {DiscoveredService, Labels} from '../types.js'

export interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: Labels
}

const standardPorts: Readonly<Record<string, string>> = {'http:': '80', 'https:': '443'}

/** A service, with the labels of the catalog instance from which it was made. */
export interface Target {
  readonly service: DiscoveredService
  readonly labels?: Labels | undefined
}

/**
 * Returns one group for each service. Capabilities are a list enclosed in commas, so that relabelling can match
 * `,resize,`.
 */
export const toTargets = (targets: readonly Target[]): readonly TargetGroup[] => targets.map(toGroup)

function toGroup({service, labels}: Target): TargetGroup {
  const url = new URL(service.uri)
  const port = url.port === '' ? standardPorts[url.protocol] : url.port
  const capacities = service.capabilities.map(
    ({name, capacity}) => [`__meta_baton_capacity_${labelName(name)}`, String(capacity)] as const,
  )
  return {
    targets: [port === undefined ? url.hostname : `${url.hostname}:${port}`],
    labels: {
      ...labels,
      __meta_baton_uri: service.uri,
      __meta_baton_scheme: url.protocol.slice(0, -1),
      __meta_baton_path: url.pathname,
      __meta_baton_capabilities: `,${service.capabilities.map(({name}) => name).join(',')},`,
      ...Object.fromEntries(capacities),
    },
  }
}
