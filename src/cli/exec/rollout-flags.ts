import * as Flags from '@oclif/core/flags'
import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import type {NodeShare, RolloutOptions} from '../../exec/types.js'
import {defined} from '../defined.js'
import type {FlagRule} from '../flag-rules.js'
import {durationFlag} from '../flags.js'

const helpGroup = 'ROLL-OUT'

function parseShare(text: string, flag: string): NodeShare {
  const [, digits = '', percent] = /^(\d{1,6})(%?)$/.exec(text.trim()) ?? []
  if (digits === '' || (percent === '%' && Number(digits) > 100)) {
    throw new UsageError(`--${flag}: '${brief(text)}' is neither a number of nodes nor a percentage such as 25%`)
  }
  return percent === '%' ? `${Number(digits)}%` : Number(digits)
}

function parseShares(text: string, flag: string): readonly NodeShare[] {
  const shares = text.split(',').map(one => parseShare(one, flag))
  if (shares.includes(0)) throw new UsageError(`--${flag}: a batch of 0 nodes never ends`)
  return shares
}

const countFlag = (options: {readonly description: string; readonly min: number}) =>
  Flags.custom<number>({
    helpGroup,
    helpValue: 'N',
    description: options.description,
    parse: async (text, _context, {name}) => {
      if (!/^\d{1,6}$/.test(text) || Number(text) < options.min) {
        throw new UsageError(`--${name}: '${brief(text)}' is not a whole number of at least ${options.min}`)
      }
      return Number(text)
    },
  })()

/** The flags that send a job to one batch of nodes after another. */
export const rolloutFlags = {
  batch: Flags.custom<readonly NodeShare[]>({
    helpGroup,
    helpValue: 'SIZES',
    description: 'nodes at a time: 5, 25%, or 1,10%,50% (the last size repeats)',
    parse: async (text, _context, {name}) => parseShares(text, name),
  })(),
  pause: durationFlag({helpGroup, description: 'pause between two batches'}),
  'max-failures': Flags.custom<NodeShare>({
    helpGroup,
    helpValue: 'N|N%',
    description: 'begin no further batch once more nodes than this failed (default: 0)',
    parse: async (text, _context, {name}) => parseShare(text, name),
  })(),
  'until-healthy': Flags.string({
    helpGroup,
    helpValue: 'SERVICE',
    description: 'before the next batch wait until this service passes on the nodes of the last one',
  }),
  'healthy-timeout': durationFlag({helpGroup, description: 'how long to wait for that (default: 5m)'}),
  retries: countFlag({description: 'how often a node that failed, timed out or was silent is tried again', min: 0}),
  'total-timeout': durationFlag({helpGroup, description: 'longest time for all nodes together', min: 1}),
  limit: countFlag({description: 'how many nodes run the command at the same time', min: 1}),
  lock: Flags.string({
    helpGroup,
    helpValue: 'PREFIX',
    description: 'count --limit for all runs with this semaphore',
  }),
  rerun: Flags.option({
    options: ['failed', 'silent', 'unrun'] as const,
    helpGroup,
    description: 'only nodes that ended so in an earlier run of yours; without a command, its command',
  })(),
  of: Flags.string({helpGroup, helpValue: 'RUN', description: 'that earlier run (default: the last one)'}),
}

export const rolloutRules = [
  ...['batch', 'pause', 'max-failures', 'until-healthy', 'retries', 'total-timeout', 'limit', 'rerun'].map(flag => ({
    flag,
    besides: ['compat', 'list'],
  })),
  {flag: 'pause', needs: ['batch']},
  {flag: 'until-healthy', needs: ['batch']},
  {flag: 'healthy-timeout', needs: ['until-healthy']},
  {flag: 'lock', needs: ['limit']},
  {flag: 'of', needs: ['rerun']},
] as const satisfies readonly FlagRule[]

interface RolloutSettings {
  readonly batch: readonly NodeShare[] | undefined
  readonly pause: number | undefined
  readonly 'max-failures': NodeShare | undefined
  readonly 'until-healthy': string | undefined
  readonly 'healthy-timeout': number | undefined
  readonly retries: number | undefined
  readonly 'total-timeout': number | undefined
  readonly limit: number | undefined
}

/**
 * Returns the options of a roll-out. Returns undefined if no flag asks for one; all nodes then run the job at the same
 * time.
 */
export function toRollout(
  flags: RolloutSettings,
  openSlot: RolloutOptions['openSlot'],
): {readonly rollout?: RolloutOptions} {
  const rollout = defined({
    batches: flags.batch,
    pauseMs: flags.pause,
    maxFailures: flags['max-failures'] ?? (flags.batch ? undefined : ('100%' as const)),
    untilHealthy: flags['until-healthy'],
    healthyTimeoutMs: flags['healthy-timeout'],
    retryCount: flags.retries,
    totalTimeoutMs: flags['total-timeout'],
    slotCount: flags.limit,
    openSlot,
  })
  const asked = [flags.batch, flags['max-failures'], flags.retries, flags['total-timeout'], flags.limit]
  return asked.some(one => one !== undefined) ? {rollout} : {}
}
