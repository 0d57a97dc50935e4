import * as Flags from '@oclif/core/flags'
import {briefPath} from '../../core/brief.js'
import {messageOf, UsageError} from '../../core/errors.js'
import {readInput, whyUnreadable} from '../../core/input.js'
import {type Policy, parsePolicy} from '../../exec/native/policy.js'
import {trustDirectory} from '../directories.js'
import {durationFlag} from '../flags.js'

/** Flags that decide which jobs a responder runs. `baton responder check` has the same flags. */
export const responderFlags = {
  name: Flags.string({description: "name of this responder (default: the agent's node)"}),
  'trust-dir': Flags.string({
    description: 'public keys whose jobs it runs',
    default: trustDirectory,
    helpValue: 'DIR',
  }),
  'state-dir': Flags.string({
    description: 'where it remembers which jobs were run (default: /var/lib/baton or ~/.local/state/baton)',
    helpValue: 'DIR',
  }),
  cluster: Flags.string({description: 'refuse jobs signed for another cluster name (default: none)', default: ''}),
  'allow-unsigned': Flags.boolean({
    description: 'run jobs without a signature, within --unsigned-policy',
    dependsOn: ['unsigned-policy'],
  }),
  'unsigned-policy': Flags.string({
    description: 'policy for jobs without a signature',
    helpValue: 'FILE',
    dependsOn: ['allow-unsigned'],
  }),
  'max-skew': durationFlag({description: 'how far clocks may be apart', default: '30s'}),
  'max-validity': durationFlag({description: 'longest time from signing to expiry', default: '5m'}),
}

interface UnsignedFlags {
  readonly 'allow-unsigned': boolean
  readonly 'unsigned-policy'?: string | undefined
}

/**
 * Reads the policy for unsigned jobs; undefined if unsigned jobs are refused. Rejects with BATON_CONFIG if the policy
 * is not valid.
 */
export async function unsignedPolicyOf(flags: UnsignedFlags): Promise<Policy | undefined> {
  const path = flags['unsigned-policy']
  if (!flags['allow-unsigned'] || path === undefined) return undefined
  const bytes = await readInput(path).catch((error: unknown) => {
    throw new UsageError(`unsigned-policy: cannot read ${briefPath(path)}: ${whyUnreadable(error)}`, {
      code: 'BATON_CONFIG',
      cause: error,
    })
  })
  try {
    return await parsePolicy(bytes.toString(), briefPath(path))
  } catch (error) {
    throw new UsageError(`unsigned-policy: ${messageOf(error)}`, {code: 'BATON_CONFIG', cause: error})
  }
}
