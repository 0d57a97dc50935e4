import {briefPath} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {readInput, whyUnreadable} from '../../core/input.js'
import {formatDuration} from '../../core/time/duration.js'
import {type JobFile, parseJobFile, type SignatureVerdict} from '../../exec/native/job-file.js'
import {foldNodes} from '../../exec/node-set.js'
import {replaceFile} from '../../process/replace-file.js'
import {commandText} from './job-command.js'
import {printable} from './printable.js'

/**
 * Reads a file that `baton exec --prepare` wrote. Rejects with a UsageError if it does not contain a
 * prepared job.
 */
export async function readJobFile(path: string): Promise<JobFile> {
  let value: Buffer
  try {
    value = await readInput(path)
  } catch (error) {
    throw new UsageError(`job ${briefPath(path)}: cannot read it: ${whyUnreadable(error)}`, {cause: error})
  }
  return parseJobFile(value, briefPath(path))
}

/** Replaces the file of a prepared job atomically. */
export async function replaceJobFile(path: string, value: Buffer): Promise<void> {
  try {
    await replaceFile(path, value)
  } catch (error) {
    throw new UsageError(`job ${briefPath(path)}: cannot write it: ${whyUnreadable(error)}`, {cause: error})
  }
}

/** Describes what a signature of this job permits, in a few lines. */
export function jobLines({manifest}: JobFile, nowMs: number): readonly string[] {
  const {id, command, nodes, requester, datacenter, cluster, expiresAtMs, timeoutMs} = manifest
  const leftMs = expiresAtMs - nowMs
  const when = leftMs > 0 ? `for another ${formatDuration(leftMs)}` : `no longer: since ${formatDuration(-leftMs)}`
  const limit = Number.isFinite(timeoutMs) ? formatDuration(timeoutMs) : 'none'
  return [
    `job:     ${id}`,
    `runs:    ${commandText(command)}`,
    `on:      ${nodes.length} node(s): ${foldNodes(nodes.map(printable))}`,
    `in:      ${printable(datacenter)}${cluster === '' ? '' : `, cluster ${printable(cluster)}`}`,
    `timeout: ${limit}`,
    `begins:  ${when}`,
    `sender:  ${printable(requester.name)}@${printable(requester.host)} (not verified)`,
  ]
}

/** Returns the object of `--json` about a prepared job. */
export const jobJson = ({manifest}: JobFile): object => ({
  job: manifest.id,
  command: commandText(manifest.command),
  nodes: manifest.nodes,
  beginsUntil: new Date(manifest.expiresAtMs).toISOString(),
})

const meanings = {
  valid: 'valid',
  wrong: 'WRONG: the job is not what this key signed',
  unknown: 'of a key that is not trusted here',
  revoked: 'of a key that is revoked here',
  expired: 'of a key that is not valid now',
} as const

/** Describes one signature in one line. */
export const signatureLine = ({kid, name, verdict}: SignatureVerdict): string =>
  `signature of ${printable(kid.slice(0, 64))}${name === undefined ? '' : ` (${printable(name)})`}: ${meanings[verdict]}`
