/** A kind of thing that ACL rules are about. */
export type AclResource = 'agent' | 'event' | 'key' | 'node' | 'service' | 'session'

/** A permission, as a rule of a policy grants it. */
export interface AclRule {
  readonly resource: AclResource
  /** The name of the thing, or what the names begin with. */
  readonly segment: string
  /** True if the rule is for all names that begin with `segment`. @default false */
  readonly isPrefix?: boolean
  readonly access: 'read' | 'write'
}

/** Returns the rule as a line of a policy, to be pasted: `key_prefix "app/" { policy = "read" }`. */
export const aclRuleText = ({resource, segment, isPrefix = false, access}: AclRule): string =>
  `${resource}${isPrefix ? '_prefix' : ''} ${JSON.stringify(segment)} { policy = "${access}" }`
