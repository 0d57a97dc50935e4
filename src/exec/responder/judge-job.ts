import {type CheckContext, checkJob, checkPolicies, type JobRefusalCode} from '../native/check.js'
import type {Manifest} from '../native/manifest.js'

/** What a responder would do with a job. `allowed`: it would run the job. */
export interface JobVerdict {
  readonly code: JobRefusalCode | 'allowed'
  readonly reason: string
}

/** Makes the checks that a responder makes before it runs a job, in the same order, but runs and records nothing. */
export async function judgeJob({id}: Pick<Manifest, 'id'>, value: Buffer, context: CheckContext): Promise<JobVerdict> {
  const checked = checkJob(id, value, context)
  if (!checked.isAccepted) return checked.refusal
  const {manifest, policies, signers} = checked
  const refusal = await checkPolicies(policies, manifest, context.node)
  if (refusal) return refusal
  return {code: 'allowed', reason: signersText(signers)}
}

export const signersText = (signers: readonly string[]): string =>
  signers.length === 0 ? 'unsigned jobs are allowed' : `signed by ${signers.join(', ')}`
