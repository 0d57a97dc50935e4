import {isIP} from 'node:net'
import type {Datacenter} from '../datacenter.js'
import {isCheckOf, type NodeRow, type ServiceRow} from '../store/catalog-rows.js'

/** A node or service instance to which a name resolves. The port is set only if the name is that of a service. */
export interface Found {
  readonly address: string
  /** The name of the target in an SRV record. */
  readonly target: string
  readonly port: number
  readonly weight: number
}

export interface Zone {
  readonly home: Datacenter
  readonly datacenters: ReadonlyMap<string, Datacenter>
}

const domain = '.consul'

/**
 * Resolves `<node>.node`, `[<tag>.]<service>.service` and `_<service>._<tag>.service` below `consul.`, with or without
 * a datacenter. Returns undefined for any other name and for a name without results.
 */
export function resolveName(zone: Zone, name: string): readonly Found[] | undefined {
  const lower = name.toLowerCase().replace(/\.$/, '')
  if (!lower.endsWith(domain)) return undefined
  const labels = lower.slice(0, -domain.length).split('.')
  const at = labels.findLastIndex(label => label === 'node' || label === 'service' || label === 'addr')
  const [kind, datacenterName, ...more] = labels.slice(at)
  const datacenter = datacenterName === undefined ? zone.home : zone.datacenters.get(datacenterName)
  if (at < 1 || !datacenter || more.length > 0) return undefined
  const words = labels.slice(0, at)
  const found =
    kind === 'node'
      ? nodeNamed(datacenter, words.join('.'))
      : kind === 'addr'
        ? addressOf(words)
        : instances(datacenter, words)
  return found.length > 0 ? found : undefined
}

function nodeNamed({state, name}: Datacenter, wanted: string): Found[] {
  const node = state.catalog.node(wanted)
  return node ? [{address: node.address, target: nodeTarget(node, name), port: 0, weight: 1}] : []
}

/** Resolves a name such as `7f000001.addr`, which SRV records contain for a service that has its own address. */
function addressOf([hex = '', ...more]: readonly string[]): Found[] {
  if (more.length > 0 || !/^[0-9a-f]{8}$/.test(hex)) return []
  const address = [...Buffer.from(hex, 'hex')].join('.')
  return [{address, target: '', port: 0, weight: 1}]
}

function instances({state, name}: Datacenter, words: readonly string[]): Found[] {
  const [service, tag] = serviceAndTag(words)
  if (service === undefined) return []
  return state.catalog.instancesOf(service).flatMap(row => {
    const node = state.catalog.node(row.node)
    if (!node || isCritical(state, row)) return []
    if (tag !== undefined && !(row.tags ?? []).some(own => own.toLowerCase() === tag)) return []
    const own = row.address
    const target = isIP(own) === 4 ? `${hexOf(own)}.addr.${name}.consul` : nodeTarget(node, name)
    return [{address: own || node.address, target, port: row.port, weight: row.weights.passing}]
  })
}

function serviceAndTag(words: readonly string[]): readonly [string | undefined, string | undefined] {
  const [first = '', second] = words
  if (words.length === 2 && first.startsWith('_') && second?.startsWith('_')) {
    const tag = second.slice(1)
    return [first.slice(1), tag === 'tcp' || tag === 'udp' ? undefined : tag]
  }
  if (second === undefined) return [first, undefined]
  return [words.at(-1), words.slice(0, -1).join('.')]
}

const isCritical = ({catalog}: Datacenter['state'], row: ServiceRow): boolean =>
  catalog
    .checksOf(row.node)
    .some(check => check.status === 'critical' && (check.serviceId === '' || isCheckOf(check, row)))

const nodeTarget = (node: NodeRow, datacenter: string): string => `${node.name}.node.${datacenter}.consul`
const hexOf = (address: string): string => Buffer.from(address.split('.').map(Number)).toString('hex')
