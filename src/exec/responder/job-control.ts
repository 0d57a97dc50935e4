import type {ConsulClient} from '../../core/client.js'
import {messageOf} from '../../core/errors.js'
import {follow} from '../../core/query/follow.js'
import {kvKey} from '../../core/query/topics.js'
import {type CheckContext, checkControlTime, checkSignatures} from '../native/check.js'
import {type Control, parseControl} from '../native/control.js'
import {parseEnvelope} from '../native/envelope.js'
import {controlKey} from '../native/layout.js'
import type {Manifest} from '../native/manifest.js'

/** The part of the check context that the check of a control message needs. */
export type ControlContext = Pick<CheckContext, 'trust' | 'unsignedPolicy' | 'nowMs' | 'maxValidityMs'>

type Job = Pick<Manifest, 'id' | 'expiresAtMs'>

/**
 * Checks a control message for this job. Returns the requested action, or undefined if the value is not a message of a
 * trusted key. Logs a message that is not trusted.
 */
export function judgeControl(
  value: Buffer,
  job: Job,
  {client, context}: {readonly client: ConsulClient; readonly context: ControlContext},
): Control['verb'] | undefined {
  const envelope = parseEnvelope('baton-ctl/1', value)
  const control = envelope && parseControl(envelope.payload)
  if (!envelope || control?.id !== job.id) return undefined
  const signed = checkSignatures(envelope, context)
  const failed = 'code' in signed ? signed : checkControlTime(control, {...context, job})
  if (!failed) return control.verb
  client.logger.warn({job: job.id, code: failed.code, reason: failed.reason}, 'exec.cancelRefused')
  return undefined
}

interface ControlFollower {
  readonly client: ConsulClient
  readonly context: () => Promise<ControlContext>
  readonly obey: (verb: Control['verb']) => void
}

/** Passes on the actions that trusted keys request, until the signal aborts. Does not reject. */
export async function followControl(
  job: Job,
  {client, context, obey}: ControlFollower,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const {snapshot} of follow(kvKey(client, controlKey(job.id)), client, {signal})) {
      const value = snapshot.value?.value
      const verb = value && value.length > 0 ? judgeControl(value, job, {client, context: await context()}) : undefined
      if (verb) obey(verb)
    }
  } catch (error) {
    if (!signal.aborted) client.logger.warn({job: job.id, error: messageOf(error)}, 'exec.controlFailed')
  }
}
