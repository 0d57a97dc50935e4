import type {KeyObject} from 'node:crypto'
import type {ConsulClient} from '../../core/client.js'
import {isTransient, messageOf} from '../../core/errors.js'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import type {KvOperation} from '../../core/types.js'
import {type AnswerName, AnswerWriter} from '../native/answers.js'
import type {JobRefusal} from '../native/check.js'
import {encodeResult} from '../native/frames.js'
import {allowedCode} from '../native/layout.js'
import type {Manifest} from '../native/manifest.js'
import {newestVersion} from '../native/versions.js'
import type {ExitReport} from '../reports.js'
import {type AuditEntry, auditCommand} from './audit-log.js'

/**
 * Time for which a failed write of an answer is repeated. No initiator waits longer than this for a node's answer,
 * unless the initiator itself cannot read Consul.
 */
const answerWithinMs = 30_000

/** The responder that answers. */
export interface Answerer {
  readonly client: ConsulClient
  readonly node: string
  /** Key that signs the answers. */
  readonly privateKey: KeyObject
  /** Writes a line to the audit log. Rejects if the line cannot be written. */
  readonly audit: (entry: AuditEntry) => Promise<void>
  readonly signal: AbortSignal
}

/** Returns the writer of answers to this job. Jobs of an unknown version are answered in the newest version. */
export const answersTo = ({node, privateKey}: Answerer, {id, version}: {id: string; version: number}): AnswerWriter =>
  new AnswerWriter({id, node, version: Math.min(version, newestVersion)}, privateKey)

/** Writes the reason why this node does not run a job that names it. A job for other nodes gets no answer. */
export async function refuseJob(answerer: Answerer, id: string, {code, reason, claimed}: JobRefusal): Promise<void> {
  const {client, node} = answerer
  if (claimed?.nodes.includes(node) !== true) {
    client.logger.debug({job: id, code}, 'exec.passedOver')
    return
  }
  const {requester} = claimed
  client.logger.warn({job: id, code, reason, requester}, 'exec.refused')
  await auditAnyway(answerer, {verdict: 'refused', job: id, code, reason, requester})
  const body = Buffer.from(JSON.stringify({v: 1, code, reason}))
  const {session, version} = claimed
  const answers = answersTo(answerer, {id, version})
  // A job that already has a result needs no second answer. If it was refused before a restart and is refused again
  // because of its age, it keeps the first refusal. The session that the job names may be invented, so Consul must
  // check it.
  const places: readonly AnswerName[] = isRepeatable(code) ? ['r', 'k'] : ['r']
  const checks = places.map(name => ({verb: 'check-not-exists', key: answers.key(name)}) as const)
  await answer(answerer, [...checks, answers.write('k', body, session)])
}

/** True for the refusal codes that can apply to a job that the responder has already answered and examines again. */
const isRepeatable = (code: string): boolean => code === 'expired' || code === 'replayed'

/** Answers a dry run of a job that would run. */
export async function allowJob(
  answerer: Answerer,
  manifest: Pick<Manifest, 'id' | 'version' | 'session' | 'requester' | 'command'>,
  reason: string,
): Promise<void> {
  const {client} = answerer
  const {id, session, requester} = manifest
  client.logger.info({job: id, requester}, 'exec.allowed')
  const command = auditCommand(manifest.command)
  await auditAnyway(answerer, {verdict: 'allowed', job: id, reason, requester, command})
  const body = Buffer.from(JSON.stringify({v: 1, code: allowedCode, reason}))
  await answer(answerer, [answersTo(answerer, manifest).write('k', body, session)])
}

/** Reports as interrupted a job that an earlier process began, because it is unknown how the job ended. */
export async function reportInterrupted(answerer: Answerer, manifest: Answered): Promise<void> {
  await reportEnd(answerer, manifest, {code: -2, isInterrupted: true})
  answerer.client.logger.warn({job: manifest.id}, 'exec.interrupted')
  await auditAnyway(answerer, {verdict: 'interrupted', job: manifest.id})
}

/** Reports a claimed job as not started, because it was cancelled before it could start. */
export async function reportUnstarted(answerer: Answerer, manifest: Answered): Promise<void> {
  await reportEnd(answerer, manifest, {code: -1, isCancelled: true})
  answerer.client.logger.warn({job: manifest.id}, 'exec.cancelledBeforeStart')
  await auditAnyway(answerer, {verdict: 'refused', job: manifest.id, code: 'cancelled'})
}

/** Records a request to cancel that is ignored, because no trusted key signed it or its times are not valid. */
export async function noteRefusedControl(
  answerer: Answerer,
  job: string,
  {code, reason}: Pick<JobRefusal, 'code' | 'reason'>,
): Promise<void> {
  answerer.client.logger.warn({job, code, reason}, 'exec.cancelRefused')
  await auditAnyway(answerer, {verdict: 'cancel-refused', job, code, reason})
}

type Answered = Pick<Manifest, 'id' | 'version' | 'session'>

async function reportEnd(answerer: Answerer, {id, version, session}: Answered, end: ExitReport): Promise<void> {
  const nowMs = answerer.client.clock.wallMs()
  const times = {startedAtMs: nowMs, endedAtMs: nowMs}
  const counts = {frameCount: 0, outputBytes: 0, droppedBytes: 0}
  const body = encodeResult({...end, ...counts, ...times})
  await answer(answerer, [answersTo(answerer, {id, version}).write('r', body, session)])
}

/** Writes an entry to the audit log. Nothing runs because of this entry, so a failure is only logged. */
export async function auditAnyway({audit, client}: Answerer, entry: AuditEntry): Promise<void> {
  await audit(entry).catch((error: unknown) => client.logger.error({error: messageOf(error)}, 'exec.auditFailed'))
}

/** Writes an answer, and repeats the write while there is no leader. Rejects if the job's session has ended. */
async function answer({client, signal}: Answerer, operations: readonly KvOperation[]): Promise<void> {
  const {clock} = client
  const backoff = new Backoff({minMs: 100, maxMs: 2000, random: client.random})
  const deadlineMs = clock.monotonicMs() + answerWithinMs
  const isRetryable = (error: unknown): boolean => isTransient(error) && clock.monotonicMs() <= deadlineMs
  await retry(() => client.txn.commit(operations, {signal}), {signal, clock, backoff, isRetryable})
}
