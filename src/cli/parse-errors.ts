import {brief} from '../core/brief.js'
import {isBatonError, UsageError} from '../core/errors.js'

/** The parser's errors carry what was parsed, tokens included, and several lines of text: only the facts are taken over. */
export function toUsageError(error: unknown, command: string): unknown {
  if (isBatonError(error)) {
    // The parser wraps the texts of our own flags in its words.
    error.message = error.message.replace(/^Parsing --\S+ \n\t/, '').replace(/\nSee more help with --help$/, '')
    return error
  }
  if (typeof error !== 'object' || error === null || !('oclif' in error)) return error
  const {message} = error as unknown as Error
  const {name} = error.constructor
  const hint = `see baton ${command} --help`
  const named = error as {args?: readonly (string | {name: string})[]; flags?: readonly string[]}
  const words = (named.args ?? []).map(arg => (typeof arg === 'string' ? arg : arg.name.toUpperCase()))
  if (name === 'NonExistentFlagsError')
    return new UsageError(`unknown flag: ${(named.flags ?? []).map(brief).join(', ')}`, {hint})
  if (name === 'UnexpectedArgsError')
    return new UsageError(`unexpected argument: ${words.map(brief).join(' ')}`, {hint})
  if (name === 'RequiredArgsError') return new UsageError(`missing argument: ${words.join(' ')}`, {hint})
  const [first = ''] = message.replace(/^The following errors? occurred:\s*/, '').split('\n')
  return new UsageError(first.trim(), {hint})
}
