import {isBatonError, messageOf} from '../../core/errors.js'

// Exit codes of consul-template.
export const stoppedCode = 12
const [badFlags, runnerFailed, badConfig] = [13, 14, 15]

/** Returns the exit code of consul-template for an error. */
export function exitAsConsulTemplate(error: unknown): number {
  if (isBatonError(error, 'BATON_CANCELLED')) return stoppedCode
  if (isBatonError(error, 'BATON_USAGE')) return badFlags
  // For consul-template, an invalid template is not an invalid configuration. All messages about templates begin with
  // the word `template`.
  const isTemplate = messageOf(error).startsWith('template')
  return isBatonError(error, 'BATON_CONFIG') && !isTemplate ? badConfig : runnerFailed
}
