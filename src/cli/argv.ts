import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'

/** What splitting needs to know of a command's flags. */
export interface FlagShape {
  readonly type: 'boolean' | 'option'
  readonly char?: string | undefined
  readonly aliases?: readonly string[] | undefined
  readonly allowNo?: boolean | undefined
  /** The value of the flag where it is given without one; the next argument is then not its value. */
  readonly bare?: string | undefined
  /** A next argument of this form is its value after all, as in Go. */
  readonly bareUnless?: RegExp | undefined
}

/** How the child's arguments are separated from the command's own. */
export interface ChildForm {
  /** Number of positional arguments of the command itself, before the child's. */
  readonly ownArgs: number
  /** True if only the native form is accepted: without `--` there is no child. */
  readonly nativeOnly?: boolean
}

/** Where a command takes free text, which may begin with dashes. */
export interface DataForm {
  /** Number of positional arguments before it, at least one. */
  readonly after: number
  /** True if the last argument is data there even if it is the name of a flag, as in Go. */
  readonly isLastWordData?: boolean
}

export interface SplitArgv {
  /**
   * The command's own arguments, ready for the parser: Go-style flags in their long form, each with its value in one
   * argument. Arguments that could be taken for flags come after `--`.
   */
  readonly own: readonly string[]
  /** The child's arguments, unchanged; undefined if there are none. */
  readonly child: {readonly form: 'go' | 'native'; readonly words: readonly string[]} | undefined
}

/**
 * Cuts the child's words off before any parser sees them, because oclif reorders positional words.
 * With `--` everything after it is the child's, verbatim. Without, everything from the first word after the command's
 * own arguments is, as with Go's flag package.
 */
export function splitArgv(
  argv: readonly string[],
  flags: Readonly<Record<string, FlagShape>>,
  {childForm, dataForm}: {readonly childForm?: ChildForm | undefined; readonly dataForm?: DataForm | undefined} = {},
): SplitArgv {
  const names = indexFlags(flags)
  const own: string[] = []
  const marked: string[] = []
  const ready = (): string[] => (marked.length === 0 ? own : [...own, '--', ...marked])
  let positionals = 0
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    if (dataForm && positionals === dataForm.after && isData(word, at === argv.length - 1, {dataForm, names})) {
      marked.push(word)
      positionals += 1
      continue
    }
    if (word === '--') {
      if (!childForm) return {own: [...own, '--', ...marked, ...argv.slice(at + 1)], child: undefined}
      return {own, child: {form: 'native', words: argv.slice(at + 1)}}
    }
    if (!word.startsWith('-') || word === '-') {
      if (
        childForm &&
        childForm.nativeOnly !== true &&
        positionals === childForm.ownArgs &&
        !argv.slice(at).includes('--')
      ) {
        return {own, child: {form: 'go', words: argv.slice(at)}}
      }
      positionals += 1
      own.push(word)
      continue
    }
    const next = argv[at + 1]
    const read = readFlag(word, next, {names, flags})
    if (read.wantsValue && next !== undefined) {
      own.push(`${read.words[0] ?? ''}=${next}`)
      at += 1
    } else own.push(...read.words)
  }
  return {own: ready(), child: undefined}
}

/** The flags among a command's own words. */
export const flagWords = (own: readonly string[]): readonly string[] =>
  own.includes('--') ? own.slice(0, own.indexOf('--')) : own

/** Help is shown for these wherever they stand before `--`, as by Consul. */
export const isHelpFlag = (word: string): boolean => word === '--help' || word === '-help' || word === '-h'

function isData(
  word: string,
  isLast: boolean,
  {dataForm, names}: {readonly dataForm: DataForm; readonly names: ReadonlyMap<string, string>},
): boolean {
  if (!word.startsWith('-') || word === '-') return false
  if (isHelpFlag(word)) return false
  if (isLast && dataForm.isLastWordData === true) return true
  const [, given = ''] = /^--?([^=]*)/.exec(word) ?? []
  return word !== '--' && !names.has(given)
}

function indexFlags(flags: Readonly<Record<string, FlagShape>>): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const [name, flag] of Object.entries(flags)) {
    names.set(name, name)
    if (flag.char !== undefined) names.set(flag.char, name)
    for (const alias of flag.aliases ?? []) names.set(alias, name)
    if (flag.allowNo === true) names.set(`no-${name}`, name)
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

/** `-http-addr=x` and `--http-addr=x` are the same flag; a boolean may be given as `-shell=false`. */
function readFlag(
  word: string,
  next: string | undefined,
  {names, flags}: {readonly names: ReadonlyMap<string, string>; readonly flags: Readonly<Record<string, FlagShape>>},
): {readonly words: readonly string[]; readonly wantsValue: boolean} {
  const [, given = '', equals, value = ''] = /^--?([^=]*)(=([\s\S]*))?$/.exec(word) ?? []
  const name = names.get(given)
  const flag = name === undefined ? undefined : flags[name]
  if (name === undefined || !flag) return {words: [word], wantsValue: false}
  if (flag.type === 'option') {
    if (equals !== undefined) return {words: [`--${name}=${value}`], wantsValue: false}
    // An empty or quoted word is not a key: the variable that a script has for the value is broken.
    if (flag.bare !== undefined && next !== undefined && /^(?:$|["'\s])/.test(next))
      throw new UsageError(`--${name}: '${brief(next)}' is not a value of it`, {hint: 'leave it out, or give one'})
    // With one dash it is Go's flag, which needs a value.
    const isBare = flag.bare !== undefined && (word.startsWith('--') || next === undefined)
    if (isBare && !(next !== undefined && flag.bareUnless?.test(next) === true))
      return {words: [`--${name}=${flag.bare}`], wantsValue: false}
    return {words: [`--${name}`], wantsValue: true}
  }
  const negated = given.startsWith('no-') && given !== name
  if (equals === undefined) return {words: [negated ? `--no-${name}` : `--${name}`], wantsValue: false}
  const on = goBooleans[value]
  if (on === undefined) throw new UsageError(`--${name}: '${brief(value)}' is neither true nor false`)
  if (on !== negated) return {words: [`--${name}`], wantsValue: false}
  return {words: flag.allowNo === true ? [`--no-${name}`] : [], wantsValue: false}
}
