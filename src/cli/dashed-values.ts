import {flagWords} from './argv.js'
import type {FlagShape} from './flag-words.js'

type Parse = (input: unknown, ...rest: unknown[]) => unknown

/** A character that no argument of a program can contain. */
const mark = '\0'

const unmarked = (input: unknown): unknown =>
  typeof input === 'string' && input.startsWith(mark) ? input.slice(mark.length) : input

/**
 * Returns the arguments with a mark before values that begin with a dash, and flags that remove the mark before they
 * read the value. Without the mark, oclif refuses a value that looks like a flag of the command, such as `-v1` if there
 * is a flag `-v`.
 */
export function withMarkedValues<F extends Readonly<Record<string, object>>>(
  argv: readonly string[],
  flags: F,
): {readonly argv: string[]; readonly flags: F} {
  const length = flagWords(argv).length
  const marked = argv.map((word, at) => (at < length ? word.replace(/^(--[^=]+=)-/, `$1${mark}-`) : word))
  const entries = Object.entries(flags).map(([name, flag]) => {
    const {type, parse} = flag as FlagShape & {readonly parse?: Parse}
    if (type !== 'option' || parse === undefined) return [name, flag]
    const parseUnmarked: Parse = (input, ...rest) => parse.call(flag, unmarked(input), ...rest)
    return [name, {...flag, parse: parseUnmarked}]
  })
  return {argv: marked, flags: Object.fromEntries(entries) as F}
}
