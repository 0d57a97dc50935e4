/** `fail`: baton cannot work. `warn`: it can, with something less. */
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

/** What was found about one thing. One line each. */
export interface Finding {
  readonly check: Check
  readonly verdict: Verdict
  readonly text: string
  /** What to do about it; only where there is something to do. */
  readonly fix?: string
}
