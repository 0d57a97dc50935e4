import {constants} from 'node:os'

/** How a child ended, as a shell reports it. */
export interface ChildExit {
  /** The child's own code, or 128 and the number of the signal that ended it. */
  readonly code: number
  readonly signal: NodeJS.Signals | undefined
}

export const toChildExit = (code: number | null, signal: NodeJS.Signals | null): ChildExit =>
  signal === null ? {code: code ?? 0, signal: undefined} : {code: 128 + constants.signals[signal], signal}

/** Returns the exit code of a shell for a command that it cannot run: 127 if it is not found, 126 if it is not executable. */
export const startFailureCode = (errno: string | undefined): 126 | 127 => (errno === 'ENOENT' ? 127 : 126)
