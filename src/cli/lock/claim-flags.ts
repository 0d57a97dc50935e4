import * as Flags from '@oclif/core/flags'
import {UsageError} from '../../core/errors.js'
import type {SessionId} from '../../core/types.js'
import type {HoldClaim} from '../../lock/claim.js'
import {checkPrefix} from '../../lock/wire/names.js'

const helpGroup = 'LOCK'

/**
 * Flags that identify a lock and the session that holds it. A command that runs under a lock has their values in its
 * environment.
 */
export const claimFlags = {
  'lock-prefix': Flags.string({
    helpGroup,
    helpValue: 'PREFIX',
    description: 'prefix of the lock (default: BATON_LOCK_PREFIX, that of the lock around this command)',
  }),
  'lock-also': Flags.string({
    helpGroup,
    helpValue: 'PREFIXES',
    description: 'prefixes of further locks of the same hold, one a line (default: BATON_LOCK_ALSO)',
  }),
  'lock-session': Flags.string({
    helpGroup,
    helpValue: 'ID',
    description: 'session that holds it (default: BATON_LOCK_SESSION)',
  }),
  'lock-mode': Flags.option({
    options: ['mutex', 'semaphore'] as const,
    helpGroup,
    description: 'kind of the lock (default: BATON_LOCK_MODE, otherwise mutex)',
  })(),
  'lock-dc': Flags.string({
    helpGroup,
    helpValue: 'DC',
    description: 'datacenter of the lock (default: BATON_LOCK_DC, otherwise that of the agent)',
  }),
}

interface ClaimFlags {
  readonly 'lock-prefix': string | undefined
  readonly 'lock-also': string | undefined
  readonly 'lock-session': string | undefined
  readonly 'lock-mode': 'mutex' | 'semaphore' | undefined
}

/** Throws a UsageError if neither flags nor the environment name a lock and the session that holds it. */
export function toClaim(verb: string, flags: ClaimFlags): HoldClaim {
  const {'lock-prefix': prefix, 'lock-also': also = '', 'lock-session': session, 'lock-mode': mode = 'mutex'} = flags
  if (prefix === undefined || session === undefined) {
    throw new UsageError(`lock ${verb}: no lock is held around this command`, {
      hint: `run it under baton lock PREFIX -- COMMAND, or give --lock-prefix and --lock-session`,
    })
  }
  const further = also.split('\n').filter(one => one !== '')
  for (const one of [prefix, ...further]) checkPrefix(one)
  return {prefix, also: further, session: session as SessionId, mode}
}
