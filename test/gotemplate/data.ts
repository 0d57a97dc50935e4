import type {TemplateFunction} from '../../src/gotemplate/builtin/functions.js'
import {sprint} from '../../src/gotemplate/format/printer.js'
import {decodeText, encodeText} from '../../src/gotemplate/value/text.js'
import {
  type Argument,
  anyType,
  boolType,
  float64Type,
  funcType,
  type GoType,
  type GoValue,
  int64Type,
  intType,
  type Method,
  mapType,
  namedType,
  pointerType,
  sliceType,
  stringType,
  structType,
  uint8Type,
  uint64Type,
  uintType,
} from '../../src/gotemplate/value/types.js'
import {
  elementsOf,
  entriesOf,
  fromJson,
  GoError,
  type MapData,
  makeBool,
  makeFloat,
  makeFunc,
  makeInt,
  makeMap,
  makeSlice,
  makeString,
  makeStrings,
  makeStruct,
  mapKey,
  zeroOf,
} from '../../src/gotemplate/value/values.js'

// The same data and functions as those in test/gotemplate/oracle/main.go.

const int8Type: GoType = {...intType, kind: 'int8', text: 'int8'}
const text = (value: Argument): string => (value?.data ?? '') as string
const int = (value: Argument): bigint => (value?.data ?? 0n) as bigint
const texts = (value: Argument): string[] => (value === undefined ? [] : elementsOf(value).map(text))

const tagsType = namedType(
  'main.Tags',
  sliceType(stringType),
  new Map<string, Method>([
    ['Contains', {in: [stringType], out: boolType, call: (tags, tag) => makeBool(texts(tags).includes(text(tag)))}],
  ]),
)
const colourType = namedType(
  'main.Colour',
  intType,
  new Map<string, Method>([['String', {in: [], out: stringType, call: c => makeString(`colour-${int(c)}`)}]]),
)
const weightType = namedType(
  'main.Weight',
  structType([
    {name: 'Passing', type: intType},
    {name: 'Warning', type: float64Type},
  ]),
)
const serviceFields = structType([
  {name: 'Name', type: stringType},
  {name: 'Port', type: intType},
  {name: 'Tags', type: tagsType},
  {name: 'Meta', type: mapType(stringType, stringType)},
  {name: 'Weight', type: weightType},
  {name: 'Inner', type: pointerType(weightType)},
  {name: 'Any', type: anyType},
  {name: 'hidden', type: intType},
])
const field = (service: GoValue, at: number): Argument => (service.data as readonly Argument[])[at]
const serviceType = namedType(
  'main.Service',
  serviceFields,
  new Map<string, Method>([
    ['Hello', {in: [], out: stringType, call: s => makeString(`hello ${text(field(s, 0))}`)}],
    ['Add', {in: [intType, intType], out: intType, call: (s, a, b) => makeInt(int(a) + int(b) + int(field(s, 1)))}],
    [
      'Join',
      {
        in: [stringType, stringType],
        variadic: true,
        out: stringType,
        call: (_s, sep, ...parts) => makeString(parts.map(text).join(text(sep))),
      },
    ],
    ['Fail', {in: [], out: stringType, fails: true, call: () => fail('service failed')}],
    ['Twice', {in: [anyType], out: stringType, call: (_s, v) => makeString(sprint([v, v]))}],
  ]),
)
const servicePointer = pointerType(
  serviceType,
  new Map<string, Method>([
    [
      'Pointer',
      {
        in: [],
        out: stringType,
        call: p => {
          if (p.data === null) fail('runtime error: invalid memory address or nil pointer dereference')
          return makeString(`pointer ${text(field(p.data as GoValue, 0))}`)
        },
      },
    ],
  ]),
)
const errorValueType = pointerType(
  namedType('errors.errorString', structType([{name: 's', type: stringType}])),
  new Map<string, Method>([['Error', {in: [], out: stringType, call: e => field(e.data as GoValue, 0)}]]),
)

function fail(message: string): never {
  throw new GoError(message)
}

function weight(passing: number, warning: number): GoValue {
  return makeStruct(weightType, {Passing: makeInt(passing), Warning: makeFloat(warning)})
}

function service(inner?: GoValue): GoValue {
  return makeStruct(serviceType, {
    Name: makeString('web'),
    Port: makeInt(80),
    Tags: {type: tagsType, data: ['a', 'b'].map(makeString)},
    Meta: makeMap(stringType, [
      ['k', makeString('v')],
      ['a', makeString('b')],
    ]),
    Weight: weight(1, 2.5),
    ...(inner === undefined ? {} : {Inner: {type: pointerType(weightType), data: inner}}),
    Any: makeString('any'),
  })
}

function mapOf(key: GoType, elem: GoType, entries: readonly (readonly [GoValue, Argument])[]): GoValue {
  const data: MapData = new Map()
  for (const [name, value] of entries) data.set(mapKey(name), {key: name, value})
  return {type: mapType(key, elem), data}
}

const ints = (...values: number[]): GoValue =>
  makeSlice(
    intType,
    values.map(value => makeInt(value)),
  )

function numbers(): Record<string, Argument> {
  return {
    I: makeInt(17),
    Neg: makeInt(-5),
    Zero: makeInt(0),
    I8: makeInt(-8, int8Type),
    I64: makeInt(1n << 62n, int64Type),
    U: makeInt(16, uintType),
    U8: makeInt(200, uint8Type),
    U64: makeInt((1n << 64n) - 1n, uint64Type),
    F: makeFloat(3.14),
    F1: makeFloat(1000000),
    FBig: makeFloat(123456789),
    FSmall: makeFloat(1e-7),
    FHalf: makeFloat(2.5),
    F0: makeFloat(0),
    B: makeBool(true),
    BF: makeBool(false),
    Col: makeInt(3, colourType),
  }
}

function strings(): Record<string, Argument> {
  return {
    S: makeString('hello'),
    E: makeString(''),
    Uni: makeString('héllo, 世界'),
    HTML: makeString(`<a href="x">'&'</a>`),
    Ctl: makeString(decodeText(Uint8Array.from([...encodeText('a\tb\nc\0\u2028'), 0xff, 0x3d]))),
    Bytes: makeSlice(
      uint8Type,
      [...encodeText('abc')].map(byte => makeInt(byte, uint8Type)),
    ),
  }
}

function lists(): Record<string, Argument> {
  const list = makeSlice(sliceType(intType), [ints(1, 2), ints(3)])
  return {
    SL: makeStrings(['x', 'y', 'z']),
    SI: ints(3, 4, 5),
    AL: makeSlice(anyType, [makeInt(1), makeString('two'), makeFloat(3), undefined, makeBool(true)]),
    ES: makeStrings([]),
    NS: zeroOf(sliceType(stringType)),
    LL: list,
    Arr: {
      type: {kind: 'array', text: '[2]int', named: false, elem: intType, methods: new Map()},
      data: [makeInt(7), makeInt(8)],
    },
    Tags: {type: tagsType, data: ['p', 'q'].map(makeString)},
  }
}

function maps(): Record<string, Argument> {
  return {
    MS: makeMap(stringType, [
      ['b', makeString('2')],
      ['a', makeString('1')],
    ]),
    MI: makeMap(intType, [
      ['one', makeInt(1)],
      ['two', makeInt(2)],
    ]),
    MA: fromJson({n: 1, s: 'str', l: [1, 'x', {k: 'v'}], m: {z: null, y: true}}),
    MII: mapOf(intType, stringType, [
      [makeInt(2), makeString('two')],
      [makeInt(1), makeString('one')],
      [makeInt(-3), makeString('minus')],
    ]),
    MB: mapOf(boolType, intType, [
      [makeBool(true), makeInt(1)],
      [makeBool(false), makeInt(0)],
    ]),
    MF: mapOf(float64Type, stringType, [
      [makeFloat(1.5), makeString('b')],
      [makeFloat(-1), makeString('a')],
    ]),
    NM: zeroOf(mapType(stringType, intType)),
    EM: makeMap(intType, []),
    MAA: mapOf(anyType, anyType, [
      [makeString('k'), makeInt(1)],
      [makeString('j'), makeString('v')],
    ]),
  }
}

function structs(): Record<string, Argument> {
  const pointer: GoValue = {type: servicePointer, data: service(weight(3, 4))}
  const database = makeStruct(serviceType, {Name: makeString('db'), Port: makeInt(5432)})
  return {
    Nil: undefined,
    T: service(),
    P: pointer,
    NP: zeroOf(servicePointer),
    PP: {type: pointerType(servicePointer), data: pointer},
    Services: makeSlice(servicePointer, [pointer, {type: servicePointer, data: database}]),
    Ts: makeSlice(serviceType, [service()]),
    Err: {type: errorValueType, data: {type: errorValueType.elem, data: [makeString('an error')]}},
    W: weight(1, 2),
    W2: weight(1, 2),
  }
}

function callables(): Record<string, Argument> {
  return {
    Fn: makeFunc({in: [intType], out: intType}, i => makeInt(int(i) * 2n)),
    FnV: makeFunc({in: [stringType, intType], variadic: true, out: stringType}, (s, ...is) =>
      makeString(sprint([s, makeSlice(intType, is)])),
    ),
    FnE: {
      type: funcType({in: [], out: stringType, fails: true}),
      data: () => fail('fn failed'),
    },
  }
}

/** The data (the dot) of all templates. */
export const data: GoValue = makeMap(
  anyType,
  Object.entries({...numbers(), ...strings(), ...lists(), ...maps(), ...structs(), ...callables()}),
)

/** The functions that all templates can call. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['add', {in: [intType, intType], out: intType, call: (a, b) => makeInt(int(a) + int(b))}],
  ['upper', {in: [stringType], out: stringType, call: s => makeString(text(s).toUpperCase())}],
  ['fail', {in: [], out: stringType, fails: true, call: () => fail('it failed')}],
  ['ident', {in: [anyType], out: anyType, call: v => v}],
  ['none', {in: [], out: anyType, call: () => undefined}],
  [
    'sum',
    {in: [intType], variadic: true, out: intType, call: (...is) => makeInt(is.reduce((sum, i) => sum + int(i), 0n))},
  ],
  [
    'cat',
    {
      in: [stringType, anyType],
      variadic: true,
      out: stringType,
      call: (sep, ...vs) => makeString(text(sep) + sprint(vs)),
    },
  ],
  ['big', {in: [uint64Type], out: uint64Type, call: u => u}],
  ['i64', {in: [int64Type], out: int64Type, call: i => i}],
  ['float', {in: [float64Type], out: float64Type, call: f => f}],
  ['flag', {in: [boolType], out: boolType, call: b => b}],
  [
    'join',
    {
      in: [sliceType(stringType), stringType],
      out: stringType,
      call: (list, sep) => makeString(texts(list).join(text(sep))),
    },
  ],
  [
    'count',
    {in: [mapType(stringType, stringType)], out: intType, call: m => makeInt(m === undefined ? 0 : entriesOf(m).size)},
  ],
  ['weight', {in: [weightType], out: intType, call: w => (w === undefined ? makeInt(0) : field(w, 0))}],
  ['list', {in: [anyType], variadic: true, out: sliceType(anyType), call: (...vs) => makeSlice(anyType, vs)}],
])
