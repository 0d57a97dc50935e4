import {constants} from 'node:os'

/** How a child ended, described as a shell does. */
export interface ChildExit {
  /** The child's own code, or 128 and the number of the signal that ended it. */
  readonly code: number
  readonly signal: NodeJS.Signals | undefined
}

export const toChildExit = (code: number | null, signal: NodeJS.Signals | null): ChildExit =>
  signal === null ? {code: code ?? 0, signal: undefined} : {code: 128 + constants.signals[signal], signal}

/**
 * Returns the code that a shell exits with if it cannot run a command: 127 if the command is not found, 126
 * if it is not executable.
 */
export const startFailureCode = (errno: string | undefined): 126 | 127 => (errno === 'ENOENT' ? 127 : 126)
