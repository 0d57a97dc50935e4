import type {Rule, RuleSet} from './rules.js'

/**
 * An identity that permits registering a service and its sidecar, and discovering other services. It is valid in all
 * datacenters if it names none.
 */
export interface ServiceIdentity {
  readonly name: string
  readonly datacenters: readonly string[] | undefined
}

/** An identity that permits registering a node in one datacenter. */
export interface NodeIdentity {
  readonly name: string
  readonly datacenter: string
}

const rule = (resource: Rule['resource'], name: string, access: Rule['access'], prefix = false): Rule => ({
  resource,
  name,
  prefix,
  access,
})
const canFindServices = rule('service', '', 'read', true)

const rulesOf = (rules: readonly Rule[]): RuleSet => ({rules, scalars: new Map()})

/** Returns the rules that a token's identities stand for in a datacenter. */
export function identityRules(
  services: readonly ServiceIdentity[],
  nodes: readonly NodeIdentity[],
  datacenter: string,
): readonly RuleSet[] {
  const ofServices = services
    .filter(({datacenters}) => !datacenters?.length || datacenters.includes(datacenter))
    .map(({name}) =>
      rulesOf([
        rule('service', name, 'write'),
        rule('service', `${name}-sidecar-proxy`, 'write'),
        canFindServices,
        rule('node', '', 'read', true),
      ]),
    )
  const ofNodes = nodes
    .filter(node => node.datacenter === datacenter)
    .map(({name}) => rulesOf([rule('node', name, 'write'), canFindServices]))
  return [...ofServices, ...ofNodes]
}
