import type {UsageError} from '../core/errors.js'
import {type FlagShape, indexFlags, type Reading, readFlag} from './flag-words.js'

/** How the arguments of the child are separated from those of the command. */
export interface ChildForm {
  /** Number of the command's own positional arguments, which come before the child's. */
  readonly ownArgs: number
  /** True if the child's arguments must follow `--`, so that a command line as of Consul, without `--`, has no child. */
  readonly needsSeparator?: boolean
}

/** The position after which a command takes free text that may begin with dashes. */
export interface DataForm {
  /** Number of positional arguments before the free text; at least one. */
  readonly after: number
  /** True if the last argument is free text even if it equals the name of a flag, as in Go. */
  readonly isLastWordData?: boolean
}

export interface SplitArgv {
  /**
   * The command's own arguments, in a form for the parser: Go-style flags are in their long form, each once and
   * together with its value in one argument. Arguments that could be mistaken for flags come after `--`.
   */
  readonly own: readonly string[]
  /** The positional arguments in `own`, in order. */
  readonly positionals: readonly string[]
  /** The child's arguments, unchanged; undefined if there are none. */
  readonly child: {readonly form: 'go' | 'native'; readonly words: readonly string[]} | undefined
  /** Flags that were switched off, but have no negative form, so that `own` cannot contain them. */
  readonly off: readonly string[]
  /** Flags that take one value but were given more than once. The last value counts, as in Go. */
  readonly repeated: readonly string[]
  /** Arguments that begin with a dash but are not flags of the command. */
  readonly unknown: readonly string[]
  /** The reason why a flag cannot be used; undefined if there is none. */
  readonly fault: UsageError | undefined
}

interface Forms {
  readonly childForm?: ChildForm | undefined
  readonly dataForm?: DataForm | undefined
}

/**
 * Separates the child's arguments before any parser sees them, because oclif reorders positional arguments. After `--`,
 * all arguments belong to the child, unchanged. Without `--`, the child's arguments begin right after the command's own
 * positional arguments, as in Go's flag package.
 */
export function splitArgv(
  argv: readonly string[],
  flags: Readonly<Record<string, FlagShape>>,
  {childForm, dataForm}: Forms = {},
): SplitArgv {
  const names = indexFlags(flags)
  const words = new OwnWords(flags)
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    if (dataForm && words.count === dataForm.after && isData(word, at === argv.length - 1, {dataForm, names})) {
      words.mark([word])
      continue
    }
    if (word === '--') {
      const rest = argv.slice(at + 1)
      if (childForm) return words.done({form: 'native', words: rest})
      words.mark(rest)
      return words.done(undefined)
    }
    if (!word.startsWith('-') || word === '-') {
      const isWhole = childForm && childForm.needsSeparator !== true && words.count === childForm.ownArgs
      if (isWhole && !argv.slice(at).includes('--')) return words.done({form: 'go', words: argv.slice(at)})
      words.place(word)
      continue
    }
    const reading = readFlag(word, argv[at + 1], {names, flags})
    words.take(reading)
    if (reading.isNextTaken) at += 1
  }
  return words.done(undefined)
}

/** Returns the flags among a command's own arguments. */
export const flagWords = (own: readonly string[]): readonly string[] =>
  own.includes('--') ? own.slice(0, own.indexOf('--')) : own

/** True if the argument requests help. Such an argument may stand anywhere before `--`, as in Consul's tool. */
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

/** Collects a command's own arguments. */
class OwnWords {
  readonly #flags: Readonly<Record<string, FlagShape>>
  /** Positional arguments as strings, and arguments that begin with a dash, in order. */
  readonly #taken: (string | Reading)[] = []
  readonly #last = new Map<string, Reading>()
  readonly #repeated = new Set<string>()
  readonly #marked: string[] = []
  #fault: UsageError | undefined

  constructor(flags: Readonly<Record<string, FlagShape>>) {
    this.#flags = flags
  }

  /** Number of positional arguments. */
  get count(): number {
    return this.#placed.length + this.#marked.length
  }

  place(word: string): void {
    this.#taken.push(word)
  }

  /** Adds arguments that are positional even if they begin with a dash. */
  mark(words: readonly string[]): void {
    this.#marked.push(...words)
  }

  take(reading: Reading): void {
    const {name, word} = reading
    this.#taken.push(reading)
    this.#fault ??= reading.fault
    if (name === undefined) return
    const earlier = this.#last.get(name)
    if (earlier && earlier.word !== word && !this.#isRepeatable(name)) this.#repeated.add(name)
    this.#last.set(name, reading)
  }

  done(child: SplitArgv['child']): SplitArgv {
    const own = this.#taken.flatMap(one => (typeof one === 'string' ? [one] : this.#counted(one)))
    return {
      own: this.#marked.length === 0 ? own : [...own, '--', ...this.#marked],
      positionals: [...this.#placed, ...this.#marked],
      child,
      off: [...this.#last].flatMap(([name, {word}]) => (word === '' ? [name] : [])),
      repeated: [...this.#repeated],
      unknown: this.#taken.flatMap(one => (typeof one !== 'string' && one.name === undefined ? [one.word] : [])),
      fault: this.#fault,
    }
  }

  get #placed(): readonly string[] {
    return this.#taken.filter(one => typeof one === 'string')
  }

  #counted(reading: Reading): readonly string[] {
    const {name, word} = reading
    if (name !== undefined && !this.#isRepeatable(name) && this.#last.get(name) !== reading) return []
    return word === '' ? [] : [word]
  }

  #isRepeatable(name: string): boolean {
    return this.#flags[name]?.multiple === true
  }
}
