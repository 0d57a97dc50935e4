import {ConflictError} from '../../core/errors.js'
import {joinKey} from './names.js'

/**
 * One run of a command under a lock, as `<prefix>/.runs` lists it. Times are ISO 8601, by the clock of the host that
 * ran it.
 */
export interface RunRecord {
  readonly startedAt: string
  readonly endedAt: string
  /** `stopped`: a signal to baton ended the command before it had finished. */
  readonly end: 'exited' | 'max-runtime' | 'stopped'
  /** Exit code of the command. If a signal ended it, 128 plus the number of the signal. */
  readonly exit: number
  readonly host: string
  readonly pid: number
  readonly command?: string
  /** Fencing token of the hold. */
  readonly token: string
}

const version = 1
/** Maximum number of runs that are kept. */
const most = 20

export const runsKey = (prefix: string): string => joinKey(prefix, '.runs')

/** Returns the value of the key `.runs` with one more run. */
export const encodeRuns = (newest: RunRecord, earlier: readonly RunRecord[]): Buffer =>
  Buffer.from(JSON.stringify({v: version, runs: [newest, ...earlier].slice(0, most)}))

/** Returns the runs, newest first. Throws a ConflictError if the value is not a list of runs. */
export function parseRuns(key: string, value: Uint8Array): readonly RunRecord[] {
  let raw: unknown
  try {
    raw = JSON.parse(Buffer.from(value).toString('utf8'))
  } catch {
    raw = undefined
  }
  const {v, runs} = (raw ?? {}) as {readonly v?: unknown; readonly runs?: unknown}
  if (v === version && Array.isArray(runs)) return runs.filter(isRun)
  throw new ConflictError('BATON_LOCK_KIND', `${key}: does not hold the runs of a lock, or those of a later version`, {
    hint: 'use the version of baton that wrote it, or delete the key to begin again',
    details: {key},
  })
}

function isRun(one: unknown): one is RunRecord {
  const {startedAt, endedAt, end, exit, host, token} = (one ?? {}) as Record<string, unknown>
  const texts = [startedAt, endedAt, end, host, token]
  return texts.every(text => typeof text === 'string') && typeof exit === 'number'
}
