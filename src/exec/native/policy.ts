import {isAbsolute} from 'node:path'
import {z} from 'zod'
import {UsageError} from '../../core/errors.js'
import {formatDuration} from '../../core/time/duration.js'
import {compileFilter} from '../initiator/selector.js'
import {parseObject} from './envelope.js'
import type {Manifest} from './manifest.js'

/** What the jobs of one key may do. Whatever is not listed is refused. */
export const policySchema = z
  .object({
    /** RE2 expression, unanchored, over the responder's name. */
    nodes: z.string().optional(),
    /** Any line of shell, and any script. */
    shell: z.boolean().default(false),
    /** Any argv. */
    argv: z.boolean().default(false),
    /** Commands allowed one by one: the absolute path, then an expression for each argument, which it must match whole. */
    argv_allow: z.array(z.array(z.string()).min(1)).default([]),
    /** Milliseconds. */
    max_timeout: z.number().int().positive().optional(),
    /** Bytes. */
    max_output: z.number().int().positive().optional(),
    /** How many different trusted keys must have signed. */
    needs_m: z.number().int().min(1).default(1),
  })
  .strict()

/** What the jobs of one key may do. Whatever is not listed is refused. */
export type Policy = z.infer<typeof policySchema>

/** A trusted key without a policy may do what the responder's user may, like a line of `authorized_keys`. */
export const openPolicy: Policy = {shell: true, argv: true, argv_allow: [], needs_m: 1}

/** Reads a policy file. `where` is for the message. */
export function parsePolicy(text: string, where: string): Policy {
  const parsed = policySchema.safeParse(parseObject(Buffer.from(text)))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new UsageError(`policy ${where}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'not readable'}`)
  }
  for (const pattern of [parsed.data.nodes, ...parsed.data.argv_allow.flatMap(([, ...patterns]) => patterns)]) {
    compileFilter(`policy ${where}`, pattern)
  }
  return parsed.data
}

/** Why the policy refuses the job, or nothing. */
export function findRefusal(policy: Policy, manifest: Manifest, node: string): string | undefined {
  const matchesNode = compileFilter('policy', policy.nodes)
  if (matchesNode && !matchesNode(node)) return `the key may not run jobs on ${node}`
  if (policy.max_timeout !== undefined && manifest.timeoutMs > policy.max_timeout) {
    const has = Number.isFinite(manifest.timeoutMs) ? 'the timeout is above' : 'the job has no timeout, which is above'
    return `${has} the key's ${formatDuration(policy.max_timeout)}`
  }
  const {command} = manifest
  if (command.kind === 'argv') return findArgvRefusal(policy, command.argv)
  return policy.shell ? undefined : `the key may not use a shell`
}

function findArgvRefusal(policy: Policy, argv: readonly string[]): string | undefined {
  if (policy.argv) return undefined
  const isAllowed = policy.argv_allow.some(([path = '', ...patterns]) => {
    const [program, ...words] = argv
    if (!isAbsolute(path) || program !== path || words.length !== patterns.length) return false
    return patterns.every((pattern, at) => compileFilter('policy', `^(?s:${pattern})$`)?.(words[at] ?? '') === true)
  })
  return isAllowed ? undefined : `the key may not run ${argv[0] ?? ''} with these arguments`
}
