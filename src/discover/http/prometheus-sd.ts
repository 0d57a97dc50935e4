import type {DiscoveredService} from '../types.js'

export interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

const standardPorts: Readonly<Record<string, string>> = {'http:': '80', 'https:': '443'}

/**
 * Returns one group for each service. Capabilities are a list between commas, so that relabelling can match `,resize,`.
 */
export const toTargets = (services: readonly DiscoveredService[]): readonly TargetGroup[] => services.map(toGroup)

function toGroup(service: DiscoveredService): TargetGroup {
  const url = new URL(service.uri)
  const port = url.port === '' ? standardPorts[url.protocol] : url.port
  const capacities = service.capabilities.map(
    ({name, capacity}) =>
      [`__meta_baton_capacity_${name.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`, String(capacity)] as const,
  )
  return {
    targets: [port === undefined ? url.hostname : `${url.hostname}:${port}`],
    labels: {
      __meta_baton_uri: service.uri,
      __meta_baton_scheme: url.protocol.slice(0, -1),
      __meta_baton_path: url.pathname,
      __meta_baton_capabilities: `,${service.capabilities.map(({name}) => name).join(',')},`,
      ...Object.fromEntries(capacities),
    },
  }
}
