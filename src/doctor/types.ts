/** `fail`: baton cannot work. `warn`: it can, with something less. */
export type Verdict = 'ok' | 'warn' | 'fail'

/** What was found about one thing. One line each. */
export interface Finding {
  readonly check: 'node' | 'agent' | 'leader' | 'clock' | 'acl' | 'rights' | 'connections' | 'token' | 'guardian'
  readonly verdict: Verdict
  readonly text: string
  /** What to do about it; only where there is something to do. */
  readonly fix?: string
}
