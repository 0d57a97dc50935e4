import {brief} from '../core/brief.js'
import {isBatonError, UsageError} from '../core/errors.js'
import type {FlagShape} from './flag-words.js'

/**
 * Returns a UsageError for an error of the parser. Only the facts are taken over, because the parser's text has several
 * lines, and the fields of its error contain everything that was parsed, including tokens.
 */
export function toUsageError(error: unknown, command: string): unknown {
  if (isBatonError(error)) {
    // The parser adds its own text around the messages of baton's flags. This text is removed.
    error.message = error.message.replace(/^Parsing --\S+ \n\t/, '').replace(/\nSee more help with --help$/, '')
    return error
  }
  if (typeof error !== 'object' || error === null || !('oclif' in error)) return error
  const {message} = error as unknown as Error
  const {name} = error.constructor
  const hint = `see baton ${command} --help`
  const named = error as {args?: readonly (string | {name: string})[]}
  const words = (named.args ?? []).map(arg => (typeof arg === 'string' ? arg : arg.name.toUpperCase()))
  if (name === 'UnexpectedArgsError')
    return new UsageError(`unexpected argument: ${words.map(brief).join(' ')}`, {hint})
  if (name === 'RequiredArgsError') return new UsageError(`missing argument: ${words.join(' ')}`, {hint})
  return new UsageError(reasonOf(message, name === 'ArgInvalidOptionError'), {hint})
}

const near = 2

/** Returns the error for arguments that look like flags but are not. Suggests a flag with a similar name. */
export async function unknownFlags(
  words: readonly string[],
  {command, shapes}: {readonly command: string; readonly shapes: Readonly<Record<string, FlagShape>>},
): Promise<UsageError> {
  const {closest, distance} = await import('fastest-levenshtein')
  const given = (words[0] ?? '').replace(/^--?/, '').replace(/=[\s\S]*$/, '')
  const guess = closest(given, Object.keys(shapes))
  const isNear = distance(given, guess) <= Math.min(near, given.length / 3)
  return new UsageError(`unknown flag: ${words.map(brief).join(', ')}`, {
    hint: isNear ? `did you mean --${guess}?` : `see baton ${command} --help`,
  })
}

/** Returns the parser's message in baton's form: the flag, the given value, and why the value is not valid. */
function reasonOf(message: string, isOfArgument: boolean): string {
  const text = message.replace(/^The following errors? occurred:\s*/, '').replace(/\nSee more help with --help$/, '')
  const [, flag, bound, limit = '', number = ''] =
    /^Parsing (--\S+) \n\tExpected an integer(?: (greater|less) than or equal to (\S+))? but received: (.*)$/s.exec(
      text,
    ) ?? []
  if (flag !== undefined) {
    const fault =
      bound === undefined ? 'is not a whole number' : `is ${bound === 'greater' ? 'less' : 'more'} than ${limit}`
    return `${flag}: '${brief(number)}' ${fault}`
  }
  const [, missing] = /^Missing required flag (\S+)$/m.exec(text) ?? []
  if (missing !== undefined) return `--${missing}: the flag is missing`
  const expected = isOfArgument
    ? /^Expected (?<given>.*) to be one of: (?<choices>[^\n]*)/s
    : /^Expected (?<option>--[a-z-]+)=(?<given>.*) to be one of: (?<choices>[^\n]*)/s
  const {option, given = '', choices} = expected.exec(text)?.groups ?? {}
  if (choices !== undefined)
    return `${option === undefined ? '' : `${option}: `}'${brief(given)}' is not one of ${choices}`
  const [, flagName, , other] = /^(--[a-z-]+)(=.*)? cannot also be provided when using (--[a-z-]+)/s.exec(text) ?? []
  if (flagName !== undefined) return `${flagName}: does not go with ${other ?? ''}`
  const [, dependent, needed] = /^All of the following must be provided when using (--[^:]+): (.*)$/s.exec(text) ?? []
  if (dependent !== undefined) return `${dependent}: only with ${needed ?? ''}`
  return (text.split('\n')[0] ?? '').trim()
}
