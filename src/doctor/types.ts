/** `fail`: baton cannot work. `warn`: baton works with limitations. */
export type Verdict = 'ok' | 'warn' | 'fail'

/** The things that are checked, in the order in which they are reported. */
export type Check =
  | 'node'
  | 'platform'
  | 'guardian'
  | 'token'
  | 'keys'
  | 'trust'
  | 'agent'
  | 'leader'
  | 'clock'
  | 'connections'
  | 'role'
  | 'restart'
  | 'rexec'
  | 'acl'
  | 'rights'
  | 'lock'
  | 'responders'
  | 'datacenters'

/** The result of one check, in one line. */
export interface Finding {
  readonly check: Check
  readonly verdict: Verdict
  readonly text: string
  /** What to do about the finding; undefined if there is nothing to do. */
  readonly fix?: string
}
