import type {DiscoveredService} from './types.js'

const formatCapabilities = (service: DiscoveredService): string =>
  service.capabilities.map(({name, capacity}) => `${name}=${capacity}`).join(',')

/** Returns one line for each service: the URI, a tab, and `capability=capacity` separated by commas. */
export const toLines = (services: readonly DiscoveredService[]): readonly string[] =>
  services.map(service => `${service.uri}\t${formatCapabilities(service)}`)

/** Returns the URIs and capabilities as a table with a heading. */
export function toTable(services: readonly DiscoveredService[]): readonly string[] {
  const rows = [['URI', 'CAPABILITIES'], ...services.map(service => [service.uri, formatCapabilities(service)])]
  const width = Math.max(...rows.map(([uri = '']) => uri.length)) + 2
  return rows.map(([uri = '', capabilities = '']) => `${uri.padEnd(width)}${capabilities}`.trimEnd())
}
