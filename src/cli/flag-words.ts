import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'

/** The facts about a flag that are needed to split arguments. */
export interface FlagShape {
  readonly type: 'boolean' | 'option'
  readonly char?: string | undefined
  readonly aliases?: readonly string[] | undefined
  readonly allowNo?: boolean | undefined
  /** True if every given value counts; otherwise only the last one does. */
  readonly multiple?: boolean | undefined
  /** The value of the flag if it is given alone, such as `--try`. The next argument is then not its value. */
  readonly bare?: string | undefined
  /**
   * A next argument that matches this expression is the flag's value, as in Go, although the flag can be given alone.
   */
  readonly bareUnless?: RegExp | undefined
}

/** An argument that begins with a dash. */
export interface Reading {
  /** The flag; undefined if the command does not have it. */
  readonly name: string | undefined
  /**
   * The flag in its long form with its value, or as given if the flag is unknown. Empty if the flag is switched off and
   * the long form cannot express that.
   */
  readonly word: string
  readonly isNextTaken?: boolean
  readonly fault?: UsageError
}

const indexes = new WeakMap<Readonly<Record<string, FlagShape>>, ReadonlyMap<string, string>>()

/** Returns a map from each name of each flag to the name that the command uses. */
export function indexFlags(flags: Readonly<Record<string, FlagShape>>): ReadonlyMap<string, string> {
  const known = indexes.get(flags)
  if (known) return known
  const names = new Map<string, string>()
  indexes.set(flags, names)
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.char !== undefined) names.set(flag.char, name)
    for (const one of [name, ...(flag.aliases ?? [])]) {
      names.set(one, name)
      if (flag.allowNo === true) names.set(`no-${one}`, name)
    }
  }
  return names
}

const goBooleans: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
}

interface Known {
  readonly names: ReadonlyMap<string, string>
  readonly flags: Readonly<Record<string, FlagShape>>
}

/** Reads an argument that begins with a dash. `-http-addr=x` and `--http-addr=x` are the same flag. */
export function readFlag(word: string, next: string | undefined, {names, flags}: Known): Reading {
  const [, given = '', equals, value = ''] = /^--?([^=]*)(=([\s\S]*))?$/.exec(word) ?? []
  const name = names.get(given)
  const flag = name === undefined ? undefined : flags[name]
  if (name === undefined || !flag) return {name: undefined, word}
  if (flag.type === 'boolean') {
    const isNegated = given.startsWith('no-') && given !== name
    return readSwitch(name, flag, {isNegated, value: equals === undefined ? undefined : value})
  }
  if (equals !== undefined) return {name, word: `--${name}=${value}`}
  if (flag.bare !== undefined) {
    const bare = {name, word: `--${name}=${flag.bare}`}
    // An argument that is empty or begins with a quote or a space cannot be a key. It was probably meant as the value
    // of the flag, but a variable in the user's script is empty or has too many quotes.
    if (next !== undefined && /^(?:$|["'\s])/.test(next)) {
      const fault = new UsageError(`--${name}: '${brief(next)}' is not a value of it`, {
        hint: 'leave it out, or give one',
      })
      return {...bare, fault}
    }
    // With a single dash, the flag is in Go's form and must have a value.
    const isBare = word.startsWith('--') || next === undefined
    if (isBare && !(next !== undefined && flag.bareUnless?.test(next) === true)) return bare
  }
  if (next === undefined) {
    return {name, word: `--${name}=`, fault: new UsageError(`--${name}: a value is missing`)}
  }
  return {name, word: `--${name}=${next}`, isNextTaken: true}
}

/**
 * Returns the names of flags as given, including aliases. Skips the values of flags, even if they begin with a dash.
 */
export function typedNames(words: readonly string[], flags: Readonly<Record<string, FlagShape>>): readonly string[] {
  const names = indexFlags(flags)
  const typed: string[] = []
  for (let at = 0; at < words.length && words[at] !== '--'; at += 1) {
    const word = words[at] ?? ''
    if (!word.startsWith('-') || word === '-') continue
    typed.push(/^--?([^=]*)/.exec(word)?.[1] ?? '')
    if (readFlag(word, words[at + 1], {names, flags}).isNextTaken === true) at += 1
  }
  return typed
}

/** Reads a boolean flag, which may be given as `-shell=false`. */
function readSwitch(
  name: string,
  flag: FlagShape,
  {isNegated, value}: {readonly isNegated: boolean; readonly value: string | undefined},
): Reading {
  const on = value === undefined ? true : goBooleans[value]
  if (on === undefined) {
    const fault = new UsageError(`--${name}: '${brief(value ?? '')}' is neither true nor false`)
    return {name, word: `--${name}`, fault}
  }
  if (on !== isNegated) return {name, word: `--${name}`}
  return {name, word: flag.allowNo === true ? `--no-${name}` : ''}
}
