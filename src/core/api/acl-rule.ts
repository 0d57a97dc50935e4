/** Kinds of resources that ACL rules name. */
const resources = ['agent', 'event', 'key', 'node', 'query', 'service', 'session'] as const
export type AclResource = (typeof resources)[number]

/** A permission, in the form of a rule of an ACL policy. */
export interface AclRule {
  readonly resource: AclResource
  /** The name of the resource or, with `isPrefix`, the beginning of the names of several resources. */
  readonly segment: string
  /** True if the rule applies to all names that begin with `segment`. @default false */
  readonly isPrefix?: boolean
  readonly access: 'read' | 'write'
}

/** Returns the rule as a line that can be pasted into a policy: `key_prefix "app/" { policy = "read" }`. */
export const aclRuleText = ({resource, segment, isPrefix = false, access}: AclRule): string =>
  `${resource}${isPrefix ? '_prefix' : ''} ${JSON.stringify(segment)} { policy = "${access}" }`

/**
 * Consul 1.11 and later name the missing permission: `Missing key:write on a/b`, `lacks permission 'key:write' on
 * "a/b"`.
 */
const named = /(?:Missing |lacks permission ')([a-z]+):(read|write)'? on "?([^"\n]*)"?/

/**
 * Returns the rule that a refused request needs: the one that Consul names, otherwise one derived from the request.
 * Returns undefined if the rule cannot be derived from either, as for transactions. `path` includes the query string;
 * `text` is the text of the refusal.
 */
export function ruleOfRefusal(method: string, path: string, text: string): AclRule | undefined {
  const [, resource, access, segment = ''] = named.exec(text) ?? []
  if (resources.some(known => known === resource)) {
    return {resource: resource as AclResource, segment: segment.trim(), access: access as AclRule['access']}
  }
  return ruleOfRequest(method, path)
}

const all = (resource: AclResource, access: AclRule['access']): AclRule => ({
  resource,
  segment: '',
  isPrefix: true,
  access,
})

function ruleOfRequest(method: string, path: string): AclRule | undefined {
  const [plain = '', query = ''] = path.split('?')
  const access = method === 'GET' ? 'read' : 'write'
  const [, , topic = '', ...rest] = plain.split('/')
  if (topic === 'kv') {
    const isPrefix = /(?:^|&)(?:recurse|keys)(?:[=&]|$)/.test(query)
    return {resource: 'key', segment: decoded(rest.join('/')), isPrefix, access}
  }
  if (topic === 'session') return all('session', access)
  if (topic === 'event') {
    return access === 'write' ? {resource: 'event', segment: decoded(rest[1] ?? ''), access} : all('event', access)
  }
  if (topic === 'agent') return ruleOfAgent(rest[0] ?? '', access)
  if ((topic === 'catalog' || topic === 'health') && access === 'read') {
    return all(/^(?:nodes?|node-services|state)$/.test(rest[0] ?? '') ? 'node' : 'service', access)
  }
  return undefined
}

function ruleOfAgent(part: string, access: AclRule['access']): AclRule {
  if (/^(?:service|check)s?$/.test(part)) return all('service', access)
  return part === 'members' ? all('node', 'read') : all('agent', access)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
