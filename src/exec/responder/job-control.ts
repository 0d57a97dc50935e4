import type {ConsulClient} from '../../core/client.js'
import {messageOf} from '../../core/errors.js'
import {kvKey} from '../../core/query/topics.js'
import {type CheckContext, checkControlTime, checkSignatures} from '../native/check.js'
import {type Control, parseControl} from '../native/control.js'
import {parseEnvelope} from '../native/envelope.js'
import {controlKey} from '../native/layout.js'
import type {Manifest} from '../native/manifest.js'
import {followShared} from './shared-follow.js'

/** The parts of the check context that are needed to check a control message. */
export type ControlContext = Pick<CheckContext, 'trust' | 'unsignedPolicy' | 'nowMs' | 'maxValidityMs'>

type Job = Pick<Manifest, 'id' | 'expiresAtMs'>

/** A control message that was refused, with the reason. */
export type ControlRefusal = Exclude<ReturnType<typeof checkControlTime>, undefined>

/**
 * Checks a control message for this job. Returns the action that it requests, or the reason why it is refused, or
 * undefined if the value is not a control message for this job.
 */
export function judgeControl(
  value: Buffer,
  job: Job,
  context: ControlContext,
): Control['verb'] | ControlRefusal | undefined {
  const envelope = parseEnvelope('baton-ctl/1', value)
  const control = envelope && parseControl(envelope.payload)
  if (!envelope || control?.id !== job.id) return undefined
  const signed = checkSignatures(envelope, context)
  return ('code' in signed ? signed : checkControlTime(control, {...context, job})) ?? control.verb
}

interface ControlFollower {
  readonly client: ConsulClient
  readonly context: () => Promise<ControlContext>
  readonly obey: (verb: Control['verb']) => void
  readonly refuse: (refusal: ControlRefusal) => Promise<void>
}

/**
 * Follows the job's control messages until the signal aborts. Passes the action that an accepted message requests to
 * `obey`, and the refusal of any other message to `refuse`. Does not reject.
 */
export async function followControl(
  job: Job,
  {client, context, obey, refuse}: ControlFollower,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const entry of followShared(kvKey(client, controlKey(job.id)), client, signal)) {
      const value = entry?.value
      const judged = value && value.length > 0 ? judgeControl(value, job, await context()) : undefined
      if (typeof judged === 'string') obey(judged)
      else if (judged) await refuse(judged)
    }
  } catch (error) {
    if (!signal.aborted) client.logger.warn({job: job.id, error: messageOf(error)}, 'exec.controlFailed')
  }
}
