import {linkSignal} from '../../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../../core/client.js'
import {RefusedError} from '../../../core/errors.js'
import {formatDuration} from '../../../core/time/duration.js'
import type {StoredJob} from '../../initiator-types.js'
import {parseJobFile} from '../../native/job-file.js'
import {writeJobOnce} from '../../native/write-job.js'
import {toStoredJob} from './stored-job.js'

/**
 * Writes a prepared job. Rejects with a RefusedError if it is too late for nodes to begin the job.
 */
export async function submitRun(
  client: ConsulClient,
  document: Buffer,
  signal: AbortSignal | undefined,
): Promise<StoredJob> {
  const file = parseJobFile(document, 'given')
  const {manifest} = file
  const lateMs = client.clock.wallMs() - manifest.expiresAtMs
  if (lateMs > 0) throw tooLate(`nodes could begin it until ${formatDuration(lateMs)} ago`)
  using submitting = linkSignal(signal)
  const refusal = await writeJobOnce(manifest, document, {client, signal: submitting.signal})
  if (refusal !== undefined) throw tooLate(`Consul has ended its session (${refusal})`)
  return toStoredJob(file)
}

const tooLate = (why: string): RefusedError =>
  new RefusedError(`exec: the prepared job is too old: ${why}`, {hint: 'prepare it again'})
