import {isAbsolute} from 'node:path'
import {z} from 'zod'
import {boolean, checkOptions, count, duration, type OptionRule, text} from '../../core/check-options.js'
import {UsageError} from '../../core/errors.js'
import {schemaFault} from '../../core/schema-fault.js'
import {formatDuration} from '../../core/time/duration.js'
import {compileFilter} from '../initiator/selector.js'
import {parseObject} from './envelope.js'
import {issueText} from './issue-text.js'
import type {Manifest} from './manifest.js'

/** Restrictions on the jobs that one key signs. A policy allows only the actions that it names. */
export interface Policy {
  /**
   * RE2 expression, not anchored. Jobs that the key signs may run only on responders whose names match.
   * @default all responders
   */
  readonly nodes?: string
  /** True if any shell line and any script may run. @default false */
  readonly canUseShell?: boolean
  /** True if any program may run, with any arguments. @default false */
  readonly canRunAnyProgram?: boolean
  /**
   * Programs that may run. Each entry is an absolute path, followed by an RE2 expression for each argument, which must
   * match the whole argument.
   * @default none
   */
  readonly allowedCommands?: readonly (readonly string[])[]
  /** Maximum timeout of a job, in milliseconds; a job without a timeout is refused. @default no limit */
  readonly maxTimeoutMs?: number
  /** Maximum output of a job, in bytes. It replaces the job's own limit if that is higher. @default no limit */
  readonly maxOutputBytes?: number
  /** Number of different trusted keys that must have signed a job. @default 1 */
  readonly requiredSignatures?: number
}

/** The form of a policy in its file, with durations in milliseconds and sizes in bytes. */
export const policySchema = z
  .object({
    nodes: z.string().optional(),
    shell: z.boolean().default(false),
    argv: z.boolean().default(false),
    argv_allow: z.array(z.array(z.string()).min(1)).default([]),
    max_timeout: z.number().int().positive().optional(),
    max_output: z.number().int().positive().optional(),
    needs_m: z.number().int().min(1).default(1),
  })
  .strict()

type PolicyFile = z.infer<typeof policySchema>

/**
 * The policy of a trusted key that has none of its own. Jobs of such a key may do everything that the responder's user
 * may do.
 */
export const openPolicy: Policy = {canUseShell: true, canRunAnyProgram: true}

export function fromPolicyFile(file: PolicyFile): Policy {
  return {
    ...(file.nodes !== undefined && {nodes: file.nodes}),
    canUseShell: file.shell,
    canRunAnyProgram: file.argv,
    allowedCommands: file.argv_allow,
    ...(file.max_timeout !== undefined && {maxTimeoutMs: file.max_timeout}),
    ...(file.max_output !== undefined && {maxOutputBytes: file.max_output}),
    requiredSignatures: file.needs_m,
  }
}

export function toPolicyFile(policy: Policy): PolicyFile {
  return {
    ...(policy.nodes !== undefined && {nodes: policy.nodes}),
    shell: policy.canUseShell === true,
    argv: policy.canRunAnyProgram === true,
    argv_allow: (policy.allowedCommands ?? []).map(command => [...command]),
    ...(policy.maxTimeoutMs !== undefined && {max_timeout: policy.maxTimeoutMs}),
    ...(policy.maxOutputBytes !== undefined && {max_output: policy.maxOutputBytes}),
    needs_m: policy.requiredSignatures ?? 1,
  }
}

const commands: OptionRule = {
  expected: 'an array of arrays of strings, none of them empty',
  accepts: value =>
    Array.isArray(value) &&
    value.every(one => Array.isArray(one) && one.length > 0 && one.every(word => typeof word === 'string')),
}
const policyRules = {
  nodes: text,
  canUseShell: boolean,
  canRunAnyProgram: boolean,
  allowedCommands: commands,
  maxTimeoutMs: duration({minMs: 1, isEndless: true}),
  maxOutputBytes: count({min: 1, unit: 'bytes', isEndless: true}),
  requiredSignatures: count({min: 1}),
} as const

/**
 * Throws a UsageError if a value has the wrong type or a field is unknown, because an unknown field may be a
 * restriction.
 */
export function checkPolicyOptions(what: string, policy: Policy): void {
  checkOptions(what, policy, policyRules)
  const unknown = Object.keys(policy).find(name => !Object.hasOwn(policyRules, name))
  if (unknown !== undefined) throw new UsageError(`${what}: a policy has no \`${unknown}\``)
}

/** Parses a policy file. `where` names the file in messages. Rejects with a UsageError if the text is not a policy. */
export async function parsePolicy(text: string, where: string): Promise<Policy> {
  const parsed = policySchema.safeParse(parseObject(Buffer.from(text)), {error: schemaFault})
  if (!parsed.success) {
    throw new UsageError(`policy ${where}: ${issueText(parsed.error.issues)}`)
  }
  const policy = fromPolicyFile(parsed.data)
  await checkPatterns(policy, `policy ${where}`)
  return policy
}

/** Rejects with a UsageError if an expression cannot be compiled. */
export async function checkPatterns({nodes, allowedCommands = []}: Policy, what: string): Promise<void> {
  for (const pattern of [nodes, ...allowedCommands.flatMap(([, ...patterns]) => patterns)]) {
    await compileFilter(what, pattern)
  }
}

/** Resolves with the reason why the policy refuses the job, or with undefined if it allows the job. */
export async function findRefusal(policy: Policy, manifest: Manifest, node: string): Promise<string | undefined> {
  const matchesNode = await compileFilter('policy', policy.nodes)
  if (matchesNode && !matchesNode(node)) return `the key may not run jobs on ${node}`
  if (policy.maxTimeoutMs !== undefined && manifest.timeoutMs > policy.maxTimeoutMs) {
    const has = Number.isFinite(manifest.timeoutMs) ? 'the timeout is above' : 'the job has no timeout, which is above'
    return `${has} the key's ${formatDuration(policy.maxTimeoutMs)}`
  }
  const {command} = manifest
  if (command.kind === 'argv') return findArgvRefusal(policy, command.argv)
  return policy.canUseShell === true ? undefined : `the key may not use a shell`
}

async function findArgvRefusal(policy: Policy, argv: readonly string[]): Promise<string | undefined> {
  if (policy.canRunAnyProgram === true) return undefined
  for (const command of policy.allowedCommands ?? []) if (await matchesCommand(command, argv)) return undefined
  return `the key may not run ${argv[0] ?? ''} with these arguments`
}

async function matchesCommand(
  [path = '', ...patterns]: readonly string[],
  [program, ...words]: readonly string[],
): Promise<boolean> {
  if (!isAbsolute(path) || program !== path || words.length !== patterns.length) return false
  for (const [at, pattern] of patterns.entries()) {
    const matches = await compileFilter('policy', `^(?s:${pattern})$`)
    if (matches?.(words[at] ?? '') !== true) return false
  }
  return true
}
