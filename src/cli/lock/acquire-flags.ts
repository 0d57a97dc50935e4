import * as Flags from '@oclif/core/flags'
import {serfHealth} from '../../core/consul-constants.js'
import {UsageError} from '../../core/errors.js'
import type {GuardedHoldOptions} from '../../lock/run/guarded-hold.js'
import {defaultLockDelayMs, defaultTtlMs} from '../../session/session.js'
import {bareDurationFlag, durationFlag} from '../flags.js'
import type {Output} from '../output.js'

const lockGroup = 'LOCK'

/** The flags of the commands that acquire a lock. */
export const acquireFlags = {
  limit: Flags.integer({
    char: 'n',
    helpGroup: lockGroup,
    helpValue: 'N',
    description: 'maximum number of holders',
    default: 1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  also: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: lockGroup,
    helpValue: 'KEY',
    description: 'acquire this lock in the same transaction, all or none (repeatable)',
  }),
  try: bareDurationFlag({
    helpGroup: lockGroup,
    description: 'longest wait for the lock (exit 75); without a value: one attempt',
  }),
  timeout: durationFlag({
    helpGroup: lockGroup,
    description: 'longest wait for the lock (exit 75); 0: wait forever (default)',
  }),
  ttl: durationFlag({helpGroup: lockGroup, description: "the session's TTL", default: '15s'}),
  'lock-delay': durationFlag({helpGroup: lockGroup, description: "the session's lock-delay", default: '15s'}),
  fair: Flags.option({
    options: ['queue', 'share', 'off'] as const,
    default: 'queue' as const,
    helpGroup: lockGroup,
    description:
      'queue: in order of arrival; share: the same, in turn with consul lock; off: in no order, as consul lock',
  })(),
  checks: Flags.option({
    options: ['none', 'serf'] as const,
    default: 'none' as const,
    helpGroup: lockGroup,
    description: "serf: the lock is lost if the node's health check fails",
  })(),
  'session-node': Flags.string({
    helpGroup: lockGroup,
    helpValue: 'NODE',
    description: "node of the session, instead of the agent's own, which may leave when the agent is stopped",
  }),
  name: Flags.string({helpGroup: lockGroup, description: 'name of the session'}),
  'metrics-file': Flags.string({
    helpGroup: lockGroup,
    helpValue: 'FILE',
    description: 'write the state of this run as a text file of Prometheus',
  }),
  events: Flags.string({helpGroup: lockGroup, description: 'write events as lines of JSON', helpValue: 'FILE|fd:N'}),
}

interface AcquireFlags {
  readonly limit: number
  readonly also: readonly string[] | undefined
  readonly ttl: number | undefined
  readonly 'lock-delay': number | undefined
  readonly fair: 'queue' | 'share' | 'off'
  readonly checks: 'none' | 'serf'
  readonly 'session-node': string | undefined
}

/** Returns the options of an acquisition according to these flags. */
export function toAcquireOptions(flags: AcquireFlags, problem = '--limit must be positive') {
  if (flags.limit < 1) throw new UsageError(problem)
  const node = flags['session-node']
  return {
    limit: flags.limit,
    ...(flags.also !== undefined && flags.also.length > 0 && {also: flags.also}),
    ttlMs: flags.ttl ?? defaultTtlMs,
    lockDelayMs: flags['lock-delay'] ?? defaultLockDelayMs,
    fair: flags.fair,
    nodeChecks: flags.checks === 'serf' ? [serfHealth] : [],
    ...(node !== undefined && {node}),
  } satisfies Partial<GuardedHoldOptions>
}

/**
 * Returns the maximum wait for the lock. As in Consul's tool, `--timeout` and `--try` set the same value, and the last
 * one counts.
 */
export function longestWait(
  {try: attempt, timeout}: {readonly try: number | 'once' | undefined; readonly timeout: number | undefined},
  typed: readonly string[],
  out: Pick<Output, 'warn'> | undefined,
): number | 'once' | undefined {
  const last = typed.findLast(word => /^--(?:try|timeout)=/.test(word))
  if (last === undefined || attempt === undefined || timeout === undefined) return attempt ?? timeout
  out?.warn('--try and --timeout both set the longest wait: the last one counts')
  return last.startsWith('--try=') ? attempt : timeout
}

/** Returns the arguments of `rulesOf` for the rules that acquiring the locks needs. */
export const lockNeeds = (prefix: string, also: readonly string[] = []): readonly [command: string, target: string][] =>
  [prefix, ...also].map(one => ['lock', one])
