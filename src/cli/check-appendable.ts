import {closeSync, constants, openSync} from 'node:fs'
import {briefPath} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import {whyUnreadable} from '../core/input.js'

// A pipe without a reader is refused, instead of blocking the process until there is one.
const flags = constants.O_WRONLY + constants.O_APPEND + constants.O_CREAT + constants.O_NONBLOCK

/** Creates the file if it does not exist. Throws a UsageError that names the flag if nothing can be appended to it. */
export function checkAppendable(file: string, flag: string): void {
  try {
    closeSync(openSync(file, flags))
  } catch (cause) {
    throw new UsageError(`--${flag}: cannot write to ${briefPath(file)}: ${whyUnreadable(cause)}`, {
      cause,
      hint: 'name a file',
    })
  }
}
