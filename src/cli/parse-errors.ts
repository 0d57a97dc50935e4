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
  return new UsageError(reasonOf(message), {hint})
}

/** The parser's sentence in our form: the flag, what was given, what is wrong with it. */
function reasonOf(message: string): string {
  const text = message.replace(/^The following errors? occurred:\s*/, '').replace(/\nSee more help with --help$/, '')
  const [, flag, least, number = ''] =
    /^Parsing (--\S+) \n\tExpected an integer(?: greater than or equal to (\S+))? but received: (.*)$/s.exec(text) ?? []
  if (flag !== undefined) {
    return `${flag}: '${brief(number)}' ${least === undefined ? 'is not a whole number' : `is less than ${least}`}`
  }
  const [, option, given = '', choices] = /^Expected (?:(--[^=]+)=)?(.*) to be one of: ([^\n]*)/s.exec(text) ?? []
  if (choices !== undefined)
    return `${option === undefined ? '' : `${option}: `}'${brief(given)}' is not one of ${choices}`
  const [, flagName, , other] = /^(--[a-z-]+)(=.*)? cannot also be provided when using (--[a-z-]+)/s.exec(text) ?? []
  if (flagName !== undefined) return `${flagName}: does not go with ${other ?? ''}`
  const [, dependent, needed] = /^All of the following must be provided when using (--[^:]+): (.*)$/s.exec(text) ?? []
  if (dependent !== undefined) return `${dependent}: only with ${needed ?? ''}`
  return (text.split('\n')[0] ?? '').trim()
}
