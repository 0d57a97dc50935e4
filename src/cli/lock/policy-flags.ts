import * as Flags from '@oclif/core/flags'
import {UsageError} from '../../core/errors.js'
import type {LockAndRunOptions} from '../../lock/run/lock-and-run.js'
import {durationFlag} from '../flags.js'

const runGroup = 'WHEN TO RUN'
const programGroup = 'PROGRAM'
const hookGroup = 'HOOKS'

const losses = ['term', 'kill', 'int', 'hup', 'quit', 'usr1', 'usr2', 'requeue'] as const
const hook = (when: string) =>
  Flags.string({helpGroup: hookGroup, helpValue: 'COMMAND', description: `run by a shell ${when}, for at most 10s`})

/** The flags of `baton lock` for jobs: when a job runs, how it ends, and what is reported about it. */
export const policyFlags = {
  'once-per': durationFlag({
    helpGroup: runGroup,
    description: 'run only if no contender has run it within this time (exit 0)',
    min: 1000,
    max: Number.POSITIVE_INFINITY,
  }),
  record: Flags.boolean({
    helpGroup: runGroup,
    description: 'write the run to PREFIX/.runs, for lock history and overdue (always with --once-per)',
  }),
  'min-hold': durationFlag({
    helpGroup: runGroup,
    description: 'hold the lock at least this long, also if the command ends earlier',
  }),
  'conflict-exit-code': Flags.integer({
    char: 'E',
    helpGroup: runGroup,
    helpValue: 'CODE',
    min: 0,
    max: 255,
    description: 'exit code if the lock was not acquired (default: 75)',
  }),
  'on-lost': Flags.option({
    options: losses,
    default: 'term' as const,
    helpGroup: programGroup,
    helpValue: 'WAY',
    description: 'first signal when the lock is lost; requeue: TERM, then wait for the lock and run again',
  })(),
  leftover: Flags.option({
    options: ['stop', 'wait', 'leave'] as const,
    helpGroup: programGroup,
    helpValue: 'stop|wait|leave',
    description: 'what becomes of processes that the command leaves; if given, daemons are found, too',
  })(),
  'hook-acquired': hook('under the lock, before the command'),
  'hook-lost': hook('when the lock is lost'),
  'hook-released': hook('after the release'),
}

interface PolicyFlags {
  readonly 'once-per': number | undefined
  readonly record: boolean
  readonly 'min-hold': number | undefined
  readonly 'on-lost': (typeof losses)[number]
  readonly leftover: 'stop' | 'wait' | 'leave' | undefined
  readonly limit: number
}

/** Returns the options of a run according to these flags. */
export function toPolicy(flags: PolicyFlags) {
  const {'once-per': oncePerMs, 'min-hold': minHoldMs, 'on-lost': onLost, leftover, record, limit} = flags
  if (limit > 1 && (oncePerMs !== undefined || record)) {
    throw new UsageError('lock: --once-per and --record need a lock with one holder', {hint: 'leave --limit out'})
  }
  const isSignal = onLost !== 'term' && onLost !== 'requeue'
  return {
    ...(oncePerMs !== undefined && {oncePerMs}),
    ...(record && {isRecorded: true}),
    ...(minHoldMs !== undefined && {minHoldMs}),
    ...(isSignal && {lossSignal: `SIG${onLost.toUpperCase()}` as NodeJS.Signals}),
    ...(leftover !== undefined && {leftover}),
  } satisfies Partial<LockAndRunOptions>
}
