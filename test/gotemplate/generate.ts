/** Generates random templates, most of them valid. The same seed gives the same templates. */
export class Generator {
  #state: number
  #depth = 0
  #level = 0
  #variables: string[] = []

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  template(): string {
    this.#variables = []
    let text = this.#list(0)
    if (this.#chance(0.15))
      text += `{{define "d"}}${this.#in(() => this.#list(1))}{{end}}{{template "d" ${this.#argument('any')}}}`
    if (this.#chance(0.05)) text += `{{block "b" ${this.#argument('any')}}}${this.#in(() => this.#list(1))}{{end}}`
    return this.#chance(0.08) ? this.#damage(text) : text
  }

  #in<T>(make: () => T): T {
    const before = this.#variables
    this.#variables = []
    const made = make()
    this.#variables = before
    return made
  }

  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  #chance(p: number): boolean {
    return this.#random() < p
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n)
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T
  }

  #list(level: number): string {
    const count = 1 + this.#below(level === 0 ? 4 : 2)
    this.#level = level
    return Array.from({length: count}, () => this.#item(level)).join('')
  }

  #item(level: number): string {
    this.#level = level
    const text = this.#pick(['', ' ', 'text', '\n', ' a\n\tb ', '{ ', '}', 'é'])
    return text + (level < 3 && this.#chance(0.35) ? this.#control(level + 1) : this.#action())
  }

  #open(body: string): string {
    return `${this.#chance(0.1) ? '{{- ' : '{{'}${body}${this.#chance(0.1) ? ' -}}' : '}}'}`
  }

  #action(): string {
    if (this.#chance(0.12)) {
      const name = this.#pick(['$a', '$b', '$c'])
      const known = this.#variables.includes(name)
      if (!known) this.#variables.push(name)
      return this.#open(`${name} ${known && this.#chance(0.5) ? '=' : ':='} ${this.#pipeline()}`)
    }
    if (this.#chance(0.03)) return this.#open('/* a comment */')
    return this.#open(this.#pipeline())
  }

  #control(level: number): string {
    const before = [...this.#variables]
    const kind = this.#pick(['if', 'if', 'with', 'range', 'range'] as const)
    let head = this.#pipeline()
    if (kind === 'range') {
      head = this.#chance(0.96) ? this.#pick(ranges) : head
      const names = this.#pick([[], ['$x'], ['$i', '$x']])
      if (names.length > 0) head = `${names.join(', ')} := ${head}`
      this.#variables.push(...names)
    } else if (this.#chance(0.15)) {
      this.#variables.push('$v')
      head = `$v := ${head}`
    }
    let text = this.#open(`${kind} ${head}`) + this.#list(level)
    if (kind === 'range' && this.#chance(0.1))
      text += `{{if ${this.#argument('any')}}}{{${this.#pick(['break', 'continue'])}}}{{end}}x`
    if (kind === 'if' && this.#chance(0.2)) text += `${this.#open(`else if ${this.#pipeline()}`)}${this.#list(level)}`
    if (this.#chance(0.3)) text += this.#open('else') + this.#list(level)
    this.#variables = before
    return text + this.#open('end')
  }

  #pipeline(wanted: Type = 'any'): string {
    if (this.#chance(0.6)) return this.#command(wanted)
    const [name, types, , most] = this.#callFor(wanted)
    if (types.length === 0) return this.#command(wanted)
    const first = this.#chance(0.3) ? this.#pipeline(types.at(-1)) : this.#command(types.at(-1) ?? 'any')
    return `${first}${this.#pick(['|', ' | '])}${this.#call(name, types, most, 1)}`
  }

  #command(wanted: Type): string {
    if (this.#chance(0.5)) return this.#argument(wanted)
    const [name, types, , most] = this.#callFor(wanted)
    return this.#call(name, types, most, 0)
  }

  #callFor(wanted: Type): Call {
    const fitting = calls.filter(([, , out]) => wanted === 'any' || out === wanted || out === 'any')
    return this.#pick(this.#chance(0.04) || fitting.length === 0 ? calls : fitting)
  }

  #call(name: string, types: readonly Type[], most: number, given: number): string {
    if (name === 'printf') return this.#printf(given)
    const wrong = this.#chance(0.02) ? this.#pick([1, -1]) : 0
    const count = Math.max(types.length + this.#below(most - types.length + 1) - given + wrong, 0)
    const args = Array.from({length: count}, (_, i) => this.#argument(types[Math.min(i, types.length - 1)] ?? 'any'))
    return [name, ...args].join(' ')
  }

  #printf(given: number): string {
    const verbs = 1 + this.#below(3)
    let format = ''
    for (let i = 0; i < verbs; i += 1) format += this.#pick(['', ' ', 'x', '-']) + this.#verb()
    const count = Math.max(verbs - given + this.#pick([0, 0, 0, 0, 1, -1]), 0)
    return [`printf ${JSON.stringify(format)}`, ...Array.from({length: count}, () => this.#argument('any'))].join(' ')
  }

  #verb(): string {
    const flags = this.#chance(0.4) ? this.#pick(['+', '-', '#', ' ', '0', '+#', '-0', '# ', '+0', ' 0']) : ''
    const width = this.#chance(0.3) ? this.#pick(['5', '10', '1', '*', '08', '[1]', '[2]*']) : ''
    const precision = this.#chance(0.3) ? this.#pick(['.2', '.0', '.', '.10', '.*', '.3']) : ''
    return `%${flags}${width}${precision}${this.#pick(Array.from('vvvvsdqxXtTfegGEFbcoOU%z!w'))}`
  }

  #argument(wanted: Type): string {
    this.#depth += 1
    try {
      if (this.#depth < 4 && this.#chance(0.15)) {
        const inner = `(${this.#pipeline(wanted)})`
        return this.#chance(0.03) ? inner + this.#pick(['.Name', '.Port', '.k', '.n']) : inner
      }
      if (this.#variables.length > 0 && this.#chance(wanted === 'any' ? 0.25 : 0.05)) {
        return this.#pick(this.#variables) + (this.#chance(0.1) ? this.#pick(['.Name', '.Tags', '.k']) : '')
      }
      const type = wanted === 'any' || this.#chance(0.02) ? this.#pick(types) : wanted
      const known = values[type]
      const value = this.#chance(0.005) ? this.#pick(bad) : this.#pick(known)
      return value.startsWith('.') && (this.#level > 0 || this.#chance(0.1)) && !/^\.\d/.test(value)
        ? `$${value}`
        : value
    } finally {
      this.#depth -= 1
    }
  }

  /** Damages a template by removing, inserting or doubling a part. */
  #damage(text: string): string {
    const at = this.#below(text.length)
    const size = 1 + this.#below(3)
    if (this.#chance(0.4)) return text.slice(0, at) + text.slice(at + size)
    if (this.#chance(0.5)) return text.slice(0, at) + this.#pick(oddities) + text.slice(at)
    return text.slice(0, at) + text.slice(at, at + size) + text.slice(at)
  }
}

type Type = 'small' | 'int' | 'string' | 'float' | 'bool' | 'list' | 'map' | 'other' | 'any'
type Call = readonly [name: string, types: readonly Type[], out: Type, most: number]

const types: readonly Type[] = ['int', 'string', 'string', 'float', 'bool', 'list', 'map', 'other']

const ranges = [
  '$.SL',
  '$.SI',
  '$.AL',
  '$.MS',
  '$.MI',
  '$.MII',
  '$.MB',
  '$.MF',
  '$.NM',
  '$.EM',
  '$.NS',
  '$.LL',
  '$.Services',
  '$.Ts',
  '$.Arr',
  '$.MA',
  '$.Nil',
  '$.Tags',
  '$.P.Tags',
  '$.MA.l',
] // prettier-ignore

const bad = [
  '.T.hidden',
  '.T.nosuch',
  '.T.Inner.Passing',
  '.NP.Name',
  '.NP.nosuch',
  '.T.Fail',
  '.Name',
  '.Port',
  '.MA.none.deep',
  '9223372036854775808',
  '.nosuch.deep',
  '.S.x',
  '.SL.y',
  'nil',
  '1i',
  '.NP.Pointer',
  '.Fn',
] // prettier-ignore

const values: Readonly<Record<Type, readonly string[]>> = {
  small: ['0', '1', '0', '1', '2', '.Zero', '.MI.one'],
  int: [
    '0',
    '1',
    '2',
    '-1',
    '3',
    '42',
    '0x1F',
    '010',
    '0b11',
    '0o7',
    '1_000',
    "'a'",
    "'\\n'",
    '.I',
    '.Neg',
    '.Zero',
    '.T.Port',
    '.MI.one',
    '9223372036854775807',
  ],
  string: [
    '"str"',
    '"a"',
    '""',
    '"k"',
    '"one"',
    '"%d"',
    '`raw`',
    '"\\u00e9\\x41"',
    '"tab\\t"',
    '.S',
    '.E',
    '.Uni',
    '.HTML',
    '.Ctl',
    '.MS.a',
    '.T.Name',
    '.T.Meta.k',
    '.P.Hello',
    '.P.Pointer',
  ],
  float: [
    '1.5',
    '2.0',
    '1e3',
    '.5',
    '1e19',
    '.F',
    '.F1',
    '.FBig',
    '.FSmall',
    '.FHalf',
    '.F0',
    '.MA.n',
    '.T.Weight.Warning',
    '0x1p-2',
  ],
  bool: ['true', 'false', '.B', '.BF', '.MA.m.y'],
  list: ['.SL', '.SI', '.AL', '.ES', '.NS', '.LL', '.Arr', '.Tags', '.T.Tags', '.MA.l', '.Bytes'],
  map: ['.MS', '.MI', '.MA', '.MII', '.MB', '.MF', '.NM', '.EM', '.MAA', '.T.Meta'],
  other: [
    '.',
    '$',
    '.I8',
    '.I64',
    '.U',
    '.U8',
    '.U64',
    '.Nil',
    '.T',
    '.NP',
    '.PP.Name',
    '.Err',
    '.Col',
    '.W',
    '.W2',
    '.missing',
    '.MS.zz',
    '.MA.m.z',
    '.P.Inner.Passing',
    '.T.Inner',
    '.T.Any',
    '.MAA.k',
  ],
  any: ['.I'],
} // prettier-ignore

const calls: readonly Call[] = [
  ['printf', ['string'], 'string', 3],
  ['printf', ['string'], 'string', 3],
  ['printf', ['string'], 'string', 3],
  ['print', ['any'], 'string', 4],
  ['println', ['any'], 'string', 3],
  ['html', ['any'], 'string', 2],
  ['js', ['any'], 'string', 2],
  ['urlquery', ['any'], 'string', 2],
  ['len', ['list'], 'int', 1],
  ['len', ['string'], 'int', 1],
  ['len', ['map'], 'int', 1],
  ['index $.SL', ['small'], 'string', 1],
  ['index $.AL', ['small'], 'any', 1],
  ['index $.MS', ['string'], 'string', 1],
  ['index $.MA', ['string'], 'any', 1],
  ['index $.MII', ['small'], 'string', 1],
  ['index $.Uni', ['small'], 'int', 1],
  ['index', ['list', 'small'], 'any', 3],
  ['index', ['map', 'string'], 'any', 3],
  ['slice', ['string', 'small'], 'string', 3],
  ['slice', ['list', 'small'], 'list', 4],
  ['slice $.Uni', ['small'], 'string', 2],
  ['not', ['any'], 'bool', 1],
  ['and', ['any', 'any'], 'any', 3],
  ['or', ['any', 'any'], 'any', 3],
  ...(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const).flatMap((name): Call[] => [
    [name, ['int', 'int'], 'bool', 2],
    [name, ['string', 'string'], 'bool', 2],
    [name, ['float', 'float'], 'bool', 2],
  ]),
  ['eq', ['string', 'string'], 'bool', 4],
  ['eq', ['bool', 'bool'], 'bool', 4],
  ['eq', ['other', 'other'], 'bool', 2],
  ['eq', ['any', 'any'], 'bool', 2],
  ['add', ['int', 'int'], 'int', 2],
  ['upper', ['string'], 'string', 1],
  ['ident', ['any'], 'any', 1],
  ['none', [], 'other', 0],
  ['sum', ['int'], 'int', 3],
  ['cat', ['string', 'any'], 'string', 3],
  ['big 5', [], 'other', 0],
  ['i64 -5', [], 'other', 0],
  ['float', ['float'], 'float', 1],
  ['flag', ['bool'], 'bool', 1],
  ['join $.SL', ['string'], 'string', 1],
  ['join $.Tags', ['string'], 'string', 1],
  ['count $.MS', [], 'int', 0],
  ['weight $.W', [], 'int', 0],
  ['list', ['any'], 'list', 3],
  ['call $.Fn', ['int'], 'int', 1],
  ['call $.FnV', ['string', 'int'], 'string', 3],
  ['$.T.Add', ['int', 'int'], 'int', 2],
  ['$.T.Join', ['string', 'string'], 'string', 3],
  ['$.T.Twice', ['any'], 'string', 1],
  ['$.P.Add', ['int', 'int'], 'int', 2],
  ['$.Tags.Contains', ['string'], 'bool', 1],
]

const oddities = [
  '{{',
  '}}',
  '(',
  ')',
  '|',
  '$',
  '.',
  ',',
  ':=',
  '=',
  '"',
  '`',
  "'",
  '\n',
  '-',
  '/*',
  '@',
  '%',
  'é',
  ' ',
  'end',
  '{{end}}',
  '{{else}}',
]
