import {
  abortSignal,
  boolean,
  bytes,
  callback,
  checkOptions,
  count,
  duration,
  name,
  type OptionRule,
  object,
  oneOf,
  text,
  texts,
} from '../../core/check-options.js'
import {UsageError} from '../../core/errors.js'
import type {AttachOptions, DetachOptions} from '../initiator-types.js'
import type {SigningKey} from '../native/envelope.js'
import type {JobSpec, NodeSelector, RunOptions, Via} from '../types.js'

/** Options of remote execution. */
export interface InitiatorOptions {
  /**
   * `native` reaches nodes with a passing responder, `rexec` reaches nodes whose agents run `_rexec` jobs, and `auto`
   * uses `_rexec` only for nodes without a responder. No node receives a job in both ways.
   * @default 'auto'
   */
  readonly via?: Via | 'auto'
  /**
   * Keys that sign native jobs; several if responders require several signatures. A function is called when the first
   * responder is to be reached. Without a key, a native run rejects with a RefusedError.
   * @default none
   */
  readonly keys?: readonly SigningKey[] | (() => Promise<readonly SigningKey[]>)
  /**
   * True to send native jobs without a signature. Only responders with a policy for unsigned jobs run them. @default
   * false
   */
  readonly isUnsigned?: boolean
  /** Name of the cluster. Responders refuse jobs of another cluster. @default '' */
  readonly cluster?: string
  /** Time within which expected nodes must acknowledge the job, in milliseconds. @default 5000 */
  readonly ackTimeoutMs?: number
  /** Time from the stop signal to the kill, in milliseconds. Applies only to responders. @default 5000 */
  readonly killAfterMs?: number
  /**
   * Maximum output of each node. Of longer output, the beginning and the end are kept. Applies only to responders.
   * `Infinity` for no limit.
   * @default 1048576
   */
  readonly maxOutputBytes?: number
  /**
   * File with the public keys of responders, one line `datacenter/name key` each. If a responder has registered a key
   * other than the one in its line, it is refused (`responder-key-changed`). If it has no line, its key is added.
   * @default registered keys are trusted without a file
   */
  readonly knownRespondersFile?: string
  /** True to refuse responders that have no line in the file of known responders. @default false */
  readonly isListOnly?: boolean
  /**
   * True to refuse nodes that do not sign their answers, which are agents and responders of older versions of baton.
   * @default false
   */
  readonly mustBeSigned?: boolean
  /** Prefix of `_rexec` jobs in KV. @default '_rexec' */
  readonly prefix?: string
  /** Pause between writing an `_rexec` job and its event, in milliseconds. @default 0 */
  readonly replicationWaitMs?: number
  /**
   * Name of the sender, which responders log with the job. It is not verified.
   * @default the name of the process's user
   */
  readonly requester?: string
}

const keys: OptionRule = {
  expected: 'an array of keys or a function',
  accepts: value => Array.isArray(value) || typeof value === 'function',
}
const initiatorRules = {
  via: oneOf(['auto', 'native', 'rexec']),
  keys,
  isUnsigned: boolean,
  knownRespondersFile: name,
  isListOnly: boolean,
  mustBeSigned: boolean,
  cluster: text,
  prefix: text,
  requester: text,
  ackTimeoutMs: duration(),
  killAfterMs: duration(),
  replicationWaitMs: duration(),
  maxOutputBytes: count({min: 0, unit: 'bytes', isEndless: true}),
} as const
/** A job's timeout may exceed the maximum delay of a timer in Node, because responders start a new timer each day. */
const jobTimeout: OptionRule = {
  expected: 'a number of milliseconds of at least 1, or Infinity',
  accepts: value =>
    typeof value === 'number' && value >= 1 && (value <= Number.MAX_SAFE_INTEGER || value === Number.POSITIVE_INFINITY),
}
const kinds = oneOf(['shell', 'argv', 'script'])
const commandRule: OptionRule = {
  expected: `an object with the kind ${kinds.expected}`,
  accepts: value => object.accepts(value) && kinds.accepts((value as {readonly kind?: unknown}).kind),
}
const jobRules = {command: commandRule, timeoutMs: jobTimeout, heartbeatMs: duration({minMs: 1})} as const
const selectorRules = {
  node: text,
  names: texts,
  service: text,
  tag: text,
  exclude: text,
  excludedNames: texts,
  health: oneOf(['passing', 'failing']),
} as const
const runRules = {signal: abortSignal, isDryRun: boolean, rollout: object} as const
const detachRules = {
  signal: abortSignal,
  keepMs: duration({minMs: 1}),
  windowMs: duration({minMs: 1}),
} as const
const attachRules = {
  signal: abortSignal,
  mode: oneOf(['follow', 'snapshot', 'cancel', 'kill']),
  jobTrust: callback,
} as const
const isShare = (value: unknown): boolean =>
  (Number.isSafeInteger(value) && (value as number) >= 0) ||
  (typeof value === 'string' && /^\d{1,3}(?:\.\d+)?%$/.test(value) && Number.parseFloat(value) <= 100)
const share: OptionRule = {expected: "a whole number or a percentage such as '25%'", accepts: isShare}
const shares: OptionRule = {
  expected: "an array of numbers above 0 or percentages such as '25%'",
  accepts: value => Array.isArray(value) && value.length > 0 && value.every(one => isShare(one) && one !== 0),
}
const rolloutRules = {
  batches: shares,
  pauseMs: duration(),
  maxFailures: share,
  retryCount: count({min: 0}),
  untilHealthy: name,
  healthyTimeoutMs: duration(),
  totalTimeoutMs: duration({minMs: 1}),
  slotCount: count({min: 1}),
  openSlot: callback,
} as const

/** Throws a UsageError if an option is not valid. */
export const checkInitiatorOptions = (options: InitiatorOptions): void =>
  checkOptions('createInitiator', options, initiatorRules)

/** Throws a UsageError if the job, the selector or an option is not valid. */
export function checkRun(job: JobSpec, selector: NodeSelector, options: RunOptions): void {
  checkJobSpec(job)
  checkOptions('run', selector, selectorRules)
  checkOptions('run', options, runRules)
  if (options.rollout) checkOptions('run', options.rollout, rolloutRules)
}

/** Throws a UsageError if the job, the selector or an option is not valid. */
export function checkDetach(job: JobSpec, selector: NodeSelector, options: DetachOptions): void {
  checkJobSpec(job)
  checkOptions('detach', selector, selectorRules)
  checkOptions('detach', options, detachRules)
}

/** Throws a UsageError if an option is not valid. */
export function checkAttach(id: string, options: AttachOptions): void {
  checkOptions('attach', {id}, {id: name}, ['id'])
  checkOptions('attach', options, attachRules)
}

function checkJobSpec(job: JobSpec): void {
  checkOptions('run', job, jobRules, ['command'])
  const {command} = job
  if (command.kind === 'shell') checkOptions('run', command, {line: text}, ['line'])
  if (command.kind === 'argv') checkOptions('run', command, {argv: texts}, ['argv'])
  if (command.kind === 'script') checkOptions('run', command, {script: bytes}, ['script'])
  if (command.kind === 'argv' && (command.argv[0] ?? '') === '') {
    throw new UsageError('exec: the name of the program is empty')
  }
}

/** Throws a UsageError if the selector or the signal is not valid. */
export function checkFind(selector: NodeSelector, options: Pick<RunOptions, 'signal'>): void {
  checkOptions('findNodes', selector, selectorRules)
  checkOptions('findNodes', options, {signal: abortSignal})
}
