import {constants} from 'node:os'
import {BugError, CancelledError, ChildError, type ErrorCode, isBatonError} from '../core/errors.js'

export const usageExitCode = 64

/**
 * The only table from errors to exit codes. The codes 1 to 63 are verdicts of single commands; of these, the table
 * contains only 1.
 */
const exitCodes: Readonly<Record<ErrorCode, number>> = {
  BATON_USAGE: usageExitCode,
  BATON_CONFIG: usageExitCode,
  BATON_CONNECT: 69,
  BATON_TLS: 69,
  BATON_TIMEOUT: 69,
  BATON_HTTP: 69,
  BATON_BAD_ANSWER: 69,
  BATON_NO_LEADER: 69,
  BATON_RATE_LIMITED: 69,
  BATON_ACL_DENIED: 77,
  BATON_NOT_FOUND: 1,
  BATON_TOO_LARGE: usageExitCode,
  BATON_CAS_CONFLICT: 1,
  BATON_LOCK_KIND: 78,
  BATON_LOCK_TIMEOUT: 75,
  BATON_SESSION_LOST: 76,
  BATON_LOCK_LOST: 76,
  BATON_CHILD: 126,
  BATON_CANCELLED: 1,
  BATON_REFUSED: 6,
  BATON_BUG: 70,
}

/** Failures of the machine, which are no bugs: a full disk, a read-only disk, too many open files. */
const machineFaults = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'])

const isMachineFault = (error: unknown): error is Error =>
  error instanceof Error && machineFaults.has((error as NodeJS.ErrnoException).code ?? '')

export function exitCodeOf(error: unknown): number {
  if (isMachineFault(error)) return exitCodes.BATON_CONFIG
  if (!isBatonError(error)) return exitCodes.BATON_BUG
  if (error instanceof ChildError) return error.exitCode
  if (error instanceof CancelledError && error.signalName) return 128 + constants.signals[error.signalName]
  return exitCodes[error.code]
}

/**
 * Returns the message for people: one line that names what failed and why, with the next step, if known, in brackets.
 */
export function toMessage(error: unknown): string {
  if (isMachineFault(error)) return error.message.replaceAll(/\s*\n\s*/g, ' ')
  if (!isBatonError(error)) {
    const bug = new BugError(error instanceof Error ? error.message : String(error), {cause: error})
    return `internal error: ${bug.message} (please report this; --log-level debug shows where)`
  }
  const line = error.message.replaceAll(/\s*\n\s*/g, ' ')
  return error.hint === undefined ? line : `${line} (${error.hint})`
}
