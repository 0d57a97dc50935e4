import fc from 'fast-check'
import {flagShapes} from '../../src/cli/base-command.js'
import {commonRules} from '../../src/cli/flag-rules.js'
import type {CommandClass} from '../../src/main/command-table.js'

/** The parts of a flag's definition on which the meaning of an argument depends. */
export interface Definition {
  readonly type: 'boolean' | 'option'
  readonly char?: string
  readonly aliases?: readonly string[]
  readonly options?: readonly string[]
  readonly multiple?: boolean
  readonly required?: boolean
  readonly allowNo?: boolean
  readonly bare?: string
  readonly exclusive?: readonly string[]
  readonly dependsOn?: readonly string[]
  readonly default?: unknown
  readonly parse?: (text: string, context: object, definition: object) => Promise<unknown>
}

interface ArgDefinition {
  readonly required?: boolean
  readonly options?: readonly string[]
}

export interface GivenFlag {
  readonly kind: 'flag'
  readonly name: string
  /** The value: a text for an option, true or false for a boolean flag. */
  readonly value: string | boolean
  /** The arguments, in the form in which a user types them. */
  readonly words: readonly string[]
}

export interface GivenWord {
  readonly kind: 'word'
  readonly text: string
}

/** A generated command line together with what it means. */
export interface MeantLine {
  readonly argv: readonly string[]
  readonly given: readonly GivenFlag[]
  readonly positionals: readonly string[]
  readonly child: {readonly form: 'go' | 'native'; readonly words: readonly string[]} | undefined
}

const definitionsOf = (command: CommandClass): Readonly<Record<string, Definition>> =>
  flagShapes(command) as Readonly<Record<string, Definition>>

const argsOf = ({args}: CommandClass): readonly ArgDefinition[] =>
  Object.values(args as unknown as Readonly<Record<string, ArgDefinition>>)

const pem = `-----BEGIN PRIVATE KEY-----\n${'c2VjcmV0LWtleS1ieXRlcw=='.repeat(40)}\n-----END PRIVATE KEY-----`
const plain = ['5', '0', '15s', '1m30s', '10%', '64K', '127.0.0.1:8500', 'web', 'app/config', 'now', 'X: y', 'a=b']
const odd = ['', ' ', '-', '--', '-5', '-v', '-vq', '--stale', '--json', '--', '=', '=x', '-=', '--=', '\n', 'a\nb']
const long = ['é—😀'.repeat(30), 'x'.repeat(5000), pem, pem.replace('-----', ''), '9'.repeat(60)]
const help = new Set(['-h', '-help', '--help'])

/** Any argument that a program can receive. */
const anyText = (names: readonly string[]): fc.Arbitrary<string> =>
  fc
    .oneof(
      {weight: 3, arbitrary: fc.constantFrom(...plain)},
      {weight: 3, arbitrary: fc.constantFrom(...odd)},
      {weight: 2, arbitrary: fc.constantFrom(...long)},
      {weight: 2, arbitrary: fc.string({unit: 'grapheme'})},
      {weight: 1, arbitrary: fc.string({unit: 'grapheme'}).map(text => `-${text}`)},
      {weight: 1, arbitrary: fc.constantFrom(...names).map(name => `--${name}`)},
      {weight: 1, arbitrary: fc.constantFrom(...names).map(name => `-${name}=1`)},
    )
    .map(text => text.replaceAll('\0', ''))

/** True for an argument that no command treats as a flag. */
const isUndashed = (text: string): boolean => !text.startsWith('-') || text === '-'

function flagItem(name: string, definition: Definition, text: fc.Arbitrary<string>): fc.Arbitrary<GivenFlag> {
  const dash = fc.constantFrom('-', '--')
  const {char, aliases = [], options, allowNo, bare} = definition
  const spelled = fc.constantFrom(name, ...aliases, ...(char === undefined ? [] : [char]))
  if (definition.type === 'boolean') {
    const tail = fc.constantFrom(['', true], ['=true', true], ['=T', true], ['=0', false], ['=false', false] as const)
    const plainly = fc
      .tuple(dash, spelled, tail)
      .map(([dashes, as, [end, on]]) => item(name, on, [`${dashes}${as}${end}`]))
    const negated = dash.map(dashes => item(name, false, [`${dashes}no-${name}`]))
    return allowNo === true ? fc.oneof(plainly, negated) : plainly
  }
  const value = options === undefined ? text : fc.oneof({weight: 9, arbitrary: fc.constantFrom(...options)}, text)
  return fc.tuple(dash, spelled, value, fc.boolean()).map(([dashes, as, given, isJoined]) => {
    // A flag that may be given without a value takes one only after `=`: otherwise it would be unclear whether the next
    // argument is its value.
    const isOpen = bare !== undefined
    return item(name, given, isJoined || isOpen ? [`${dashes}${as}=${given}`] : [`${dashes}${as}`, given])
  })
}

const item = (name: string, value: string | boolean, words: readonly string[]): GivenFlag => ({
  kind: 'flag',
  name,
  value,
  words,
})

/**
 * Generates command lines for a command: flags in all spellings and with any value, mixed with arguments in any order,
 * followed by a child or data.
 */
export function linesOf(command: CommandClass): fc.Arbitrary<MeantLine> {
  const definitions = definitionsOf(command)
  const names = Object.keys(definitions)
  const text = anyText(names)
  const flag = fc.constantFrom(...names).chain(name => flagItem(name, definitions[name] ?? {type: 'boolean'}, text))
  const choices = argsOf(command).flatMap(({options = []}) => options)
  const word = fc
    .oneof(text.filter(isUndashed), {
      weight: choices.length > 0 ? 4 : 1,
      arbitrary: fc.constantFrom(...choices, 'app/key'),
    })
    .map((one): GivenWord => ({kind: 'word', text: one}))
  const needed = names.filter(name => definitions[name]?.required === true)
  const required = needed.map(name => flagItem(name, definitions[name] ?? {type: 'boolean'}, text))
  const mixed = fc
    .tuple(fc.array(fc.oneof({weight: 2, arbitrary: flag}, word), {maxLength: 6}), fc.option(fc.tuple(...required)))
    .map(([items, more]) => [...items, ...(more ?? [])])
  // Only what the command needs, because some commands accept few of the mixed lines.
  const neededWords = argsOf(command)
    .filter(one => one.required === true)
    .map(({options = ['app/key']}) => fc.constantFrom(...options).map((one): GivenWord => ({kind: 'word', text: one})))
  const least = fc.tuple(fc.tuple(...neededWords), fc.tuple(...required)).map(([words, flags]) => [...flags, ...words])
  const head = fc.oneof({weight: 7, arbitrary: mixed}, {weight: 1, arbitrary: least})
  const {childForm, dataForm} = command
  if (childForm) {
    const native = fc.array(text, {maxLength: 4}).map(words => ({form: 'native' as const, words}))
    if (childForm.needsSeparator === true)
      return fc.tuple(head, fc.option(native, {nil: undefined})).map(([items, child]) => toLine(items, child))
    const go = fc
      .tuple(text.filter(isUndashed), fc.array(text, {maxLength: 4}))
      .map(([first, rest]) => ({form: 'go' as const, words: [first, ...rest].filter(one => one !== '--')}))
    const exactly = fc
      .tuple(
        fc.array(flag, {maxLength: 5}),
        fc.array(word, {minLength: childForm.ownArgs, maxLength: childForm.ownArgs}),
      )
      .map(([flags, words]) => [...flags.slice(0, 2), ...words, ...flags.slice(2)])
    return fc.oneof(
      fc.tuple(head, native).map(([items, child]) => toLine(items, child)),
      fc.tuple(exactly, fc.option(go, {nil: undefined})).map(([items, child]) => toLine(items, child)),
    )
  }
  const end = fc.option(fc.array(text, {maxLength: 3}), {nil: undefined})
  if (!dataForm) return fc.tuple(head, end).map(([items, rest]) => toLine(items, undefined, rest))
  const known = new Set(names.flatMap(name => namesOf(name, definitions[name])))
  const isFree = (one: string): boolean =>
    !help.has(one) && one !== '--' && (isUndashed(one) || !known.has(/^--?([^=]*)/.exec(one)?.[1] ?? ''))
  const data = text.filter(isFree).map((one): GivenWord => ({kind: 'word', text: one}))
  const key = fc.array(word, {minLength: dataForm.after, maxLength: dataForm.after})
  const flags = fc.array(flag, {maxLength: 3})
  const around = fc
    .tuple(flags, key, flags, data, dataForm.isLastWordData === true ? fc.constant([]) : flags)
    .map(([first, keys, middle, one, last]) => toLine([...first, ...keys, ...middle, one, ...last], undefined))
  const anyLast = fc
    .tuple(
      flags,
      key,
      flags,
      text.filter(one => !help.has(one)),
    )
    .map(([first, keys, middle, one]) => toLine([...first, ...keys, ...middle, {kind: 'word', text: one}], undefined))
  // For a command whose last argument is data, a final `--` would be that data.
  const behind = fc.option(fc.array(text, {minLength: 1, maxLength: 3}), {nil: undefined})
  const plainly = fc
    .tuple(flags, key, flags, behind)
    .map(([first, keys, more, rest]) =>
      dataForm.isLastWordData === true && rest === undefined
        ? toLine([...first, ...keys], undefined)
        : toLine([...first, ...keys, ...more], undefined, rest),
    )
  return fc.oneof(around, plainly, ...(dataForm.isLastWordData === true ? [anyLast] : []))
}

/** Returns the name of the flag that an argument names. Returns undefined if the command has no such flag. */
export function nameOf(command: CommandClass, word: string): string | undefined {
  const given = /^--?([^=]*)/.exec(word)?.[1] ?? ''
  const named = Object.entries(definitionsOf(command)).find(([name, one]) => namesOf(name, one).includes(given))
  return named?.[0]
}

function namesOf(name: string, definition: Definition | undefined): readonly string[] {
  const {char, aliases = [], allowNo} = definition ?? {}
  const all = [name, ...aliases]
  return [...all, ...(allowNo === true ? all.map(one => `no-${one}`) : []), ...(char === undefined ? [] : [char])]
}

function toLine(
  items: readonly (GivenFlag | GivenWord)[],
  child: MeantLine['child'],
  rest?: readonly string[],
): MeantLine {
  const argv = items.flatMap(one => (one.kind === 'flag' ? one.words : [one.text]))
  if (child) argv.push(...(child.form === 'native' ? ['--', ...child.words] : child.words))
  if (rest) argv.push('--', ...rest)
  return {
    argv,
    given: items.filter(one => one.kind === 'flag'),
    positionals: [...items.flatMap(one => (one.kind === 'word' ? [one.text] : [])), ...(rest ?? [])],
    child,
  }
}

/**
 * Returns the reasons for which the line must be refused. If there are none, the command must read the line as it was
 * generated.
 */
export async function faultsOf(line: MeantLine, command: CommandClass): Promise<readonly string[]> {
  const definitions = definitionsOf(command)
  const faults: string[] = []
  const last = lastValues(line, definitions)
  for (const [name, values] of last) {
    const definition = definitions[name] ?? {type: 'boolean'}
    for (const value of values) {
      if (typeof value === 'boolean') continue
      if (definition.options && !definition.options.includes(value)) faults.push(`--${name}: not a choice`)
      else if (!(await isRead(definition, value))) faults.push(`--${name}: cannot be read`)
      else if (value === '' && isRefusedEmpty(name, command)) faults.push(`--${name}: empty`)
    }
    for (const other of definition.exclusive ?? []) if (isOn(last, other)) faults.push(`--${name} and --${other}`)
    for (const other of definition.dependsOn ?? []) if (!isOn(last, other)) faults.push(`--${name} needs --${other}`)
  }
  faults.push(...(await brokenRules(line, last, command)))
  if (last.has('config')) faults.push('--config: no such file')
  for (const [name, {required}] of Object.entries(definitions))
    if (required === true && !last.has(name)) faults.push(`--${name}: missing`)
  const args = argsOf(command)
  if (command.strict && line.positionals.length > args.length) faults.push('too many arguments')
  for (const [at, {required, options}] of args.entries()) {
    const text = line.positionals[at]
    if (text === undefined) {
      if (required === true) faults.push(`argument ${at} is missing`)
    } else if (options && !options.includes(text)) faults.push(`argument ${at} is not a choice`)
  }
  return faults
}

type Values = ReadonlyMap<string, readonly (string | boolean)[]>

/**
 * Returns the last value of each flag, or all values of a flag that may be repeated. A boolean flag that is switched
 * off counts as not given, and so does an empty connection flag.
 */
function lastValues(line: MeantLine, definitions: Readonly<Record<string, Definition>>): Values {
  const values = new Map<string, (string | boolean)[]>()
  for (const {name, value} of line.given) {
    const isKept = definitions[name]?.multiple === true
    values.set(name, isKept ? [...(values.get(name) ?? []), value] : [value])
  }
  for (const [name, [value]] of values) if (value === false && definitions[name]?.allowNo !== true) values.delete(name)
  const isConnected = connection.every(name => Object.hasOwn(definitions, name))
  for (const name of isConnected ? connection : []) if (values.get(name)?.[0] === '') values.delete(name)
  return values
}

const isOn = (values: Values, name: string): boolean => values.has(name)

/** Returns the rules of the command that this line breaks, except those that only cause a warning. */
async function brokenRules(line: MeantLine, last: Values, command: CommandClass): Promise<readonly string[]> {
  const inEffect = new Set<string>()
  for (const [name, values] of last) {
    const definition = definitionsOf(command)[name]
    for (const value of values) {
      const meant = typeof value === 'string' && definition?.parse ? definition.parse(value, {}, definition) : value
      const read = await Promise.resolve(meant).catch(() => undefined)
      if (read !== undefined && read !== false && read !== 0) inEffect.add(name)
    }
  }
  if (line.child && line.child.words.length > 0) inEffect.add('COMMAND')
  if (line.child?.form === 'native') inEffect.add('--')
  const broken = [...commonRules, ...command.flagRules].filter(rule => {
    const {flag, when = 'on', besides = [], needs = []} = rule
    const value = last.get(flag)?.at(-1)
    if (rule.warning !== undefined || value === undefined) return false
    if (when !== 'any' && (value === false) !== (when === 'off')) return false
    if (rule.isNativeOnly === true && line.child?.form !== 'native') return false
    return besides.some(name => inEffect.has(name)) || (needs.length > 0 && !needs.some(name => inEffect.has(name)))
  })
  return broken.map(({flag}) => `--${flag}: breaks a rule`)
}

const isRead = (definition: Definition, text: string): Promise<boolean> =>
  Promise.resolve(definition.parse?.(text, {}, definition)).then(
    () => true,
    () => false,
  )

const isRefusedEmpty = (name: string, {emptyFlags}: CommandClass): boolean =>
  emptyFlags !== 'all' && !emptyFlags.includes(name) && !connection.includes(name)

const connection =
  'http-addr token token-file ca-file ca-path client-cert client-key tls-server-name datacenter namespace partition'.split(
    ' ',
  )

/** Returns the values of the flags that are set, and the defaults of the others. */
export async function meaningOf(line: MeantLine, command: CommandClass): Promise<Readonly<Record<string, unknown>>> {
  const definitions = definitionsOf(command)
  const values = lastValues(line, definitions)
  const meant: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    const given = values.get(name)
    if (given === undefined) {
      meant[name] = definition.default
      continue
    }
    const all: unknown[] = []
    for (const value of given)
      all.push(typeof value === 'boolean' ? value : await definition.parse?.(value, {}, definition))
    meant[name] = definition.multiple === true ? all : all.at(-1)
  }
  return whatIsSet(meant)
}

/** Removes booleans that are off and options that were not given, because a flag that is off equals a missing flag. */
export const whatIsSet = (flags: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined && value !== false))
