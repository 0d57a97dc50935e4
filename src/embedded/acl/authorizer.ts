import type {Access, Resource, RuleSet, ScalarResource} from './rules.js'

/** Kinds of permission that a request may need. `list` exists only for keys. */
type Wanted = 'read' | 'list' | 'write'

/** The permissions of a token. */
export interface Authorizer {
  can(resource: Resource, name: string, access: Wanted): boolean
  /** Returns true if every key below `prefix` may be written. */
  canWriteBelow(prefix: string): boolean
  canScalar(resource: ScalarResource, access: 'read' | 'write'): boolean
}

export const allowAll: Authorizer = {can: () => true, canWriteBelow: () => true, canScalar: () => true}

const grants = (access: Access | undefined, wanted: Wanted): boolean =>
  access === 'write' || access === wanted || (wanted === 'read' && access === 'list')

const strength: readonly Access[] = ['read', 'list', 'write', 'deny']
const stricter = (a: Access | undefined, b: Access): Access =>
  a === undefined || strength.indexOf(b) > strength.indexOf(a) ? b : a

/**
 * Merges policies. An exact rule takes precedence over a prefix rule, and a longer prefix over a shorter one. Of two
 * rules for the same name, `deny` takes precedence, then the rule that grants more. If there is no rule, access is
 * denied.
 */
export function authorizerOf(policies: readonly RuleSet[]): Authorizer {
  const exact = new Map<string, Access>()
  const prefixes = new Map<string, Access>()
  const scalars = new Map<ScalarResource, Access>()
  for (const {rules, scalars: own} of policies) {
    for (const rule of rules) {
      const map = rule.prefix ? prefixes : exact
      const key = `${rule.resource}\0${rule.name}`
      map.set(key, stricter(map.get(key), rule.access))
    }
    for (const [name, access] of own) scalars.set(name, stricter(scalars.get(name), access))
  }
  const longest = (resource: Resource, name: string): Access | undefined => {
    for (let length = name.length; length >= 0; length -= 1) {
      const access = prefixes.get(`${resource}\0${name.slice(0, length)}`)
      if (access !== undefined) return access
    }
    return undefined
  }
  return {
    can: (resource, name, wanted) => grants(exact.get(`${resource}\0${name}`) ?? longest(resource, name), wanted),
    canWriteBelow: prefix =>
      longest('key', prefix) === 'write' &&
      [...exact, ...prefixes].every(([key, access]) => access === 'write' || !key.startsWith(`key\0${prefix}`)),
    canScalar: (resource, wanted) => grants(scalars.get(resource), wanted),
  }
}
