/** Kinds of Go types that templates support. Channels and unsafe pointers are not supported. */
export type Kind =
  | 'bool'
  | IntegerKind
  | 'float32'
  | 'float64'
  | 'complex128'
  | 'string'
  | 'slice'
  | 'array'
  | 'map'
  | 'struct'
  | 'pointer'
  | 'interface'
  | 'func'

/** Integer kinds. Their values are stored as bigint. */
export type IntegerKind = SignedKind | UnsignedKind
type SignedKind = 'int' | 'int8' | 'int16' | 'int32' | 'int64'
type UnsignedKind = 'uint' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'uintptr'

/** A field of a struct. A field whose name begins with a lower-case letter is not exported. */
export interface Field {
  readonly name: string
  readonly type: GoType
}

/** Parameter and result types of a function. */
export interface Signature {
  readonly in: readonly GoType[]
  /** True if the last parameter accepts any number of arguments. Its type is that of one argument. @default false */
  readonly variadic?: boolean
  readonly out: GoType
  /** True if the function returns an error as its second result, which shows only in the type's text. @default false */
  readonly fails?: boolean
}

/** A method: its signature without the receiver, and a function that takes the receiver first. */
export interface Method extends Signature {
  call(receiver: GoValue, ...args: Argument[]): Argument
}

/** A Go type. Types that are equal in Go are the same object, because the functions in this file make all types. */
export interface GoType {
  readonly kind: Kind
  /** What `%T` prints. */
  readonly text: string
  /** True for a declared type such as `time.Duration`, false for a type literal such as `[]string`. */
  readonly named: boolean
  /** Element type of a slice, array, map or pointer. */
  readonly elem?: GoType
  /** Key type of a map. */
  readonly key?: GoType
  /** Fields of a struct. */
  readonly fields?: readonly Field[]
  /** Signature of a function type. */
  readonly signature?: Signature
  /** Underlying type of a named type. */
  readonly underlying?: GoType
  /** Methods by name. The methods of an interface cannot be called. */
  readonly methods: ReadonlyMap<string, Method>
}

/**
 * A Go value. The type's kind determines `data`: a boolean; a bigint for integers; a number for floats; `{re, im}` for
 * complex numbers; a string for strings; a list of elements for slices and arrays, null for a nil slice; a {@link
 * MapData} or null; a struct's fields in order; a pointer's target or null; an interface's value or undefined; a
 * function or null. Elements of an interface type are stored without the interface; undefined is nil.
 */
export interface GoValue {
  readonly type: GoType
  readonly data: unknown
}

/** A value, or Go's invalid value: an untyped nil or a missing map key. */
export type Argument = GoValue | undefined

const noMethods: ReadonlyMap<string, Method> = new Map()

function basic(kind: Kind, text: string = kind): GoType {
  return {kind, text, named: true, methods: noMethods}
}

export const boolType = basic('bool')
export const intType = basic('int')
export const int64Type = basic('int64')
export const uintType = basic('uint')
export const uint8Type = basic('uint8')
export const uint64Type = basic('uint64')
export const float64Type = basic('float64')
export const complexType = basic('complex128')
export const stringType = basic('string')
/** Go's `interface {}`. */
export const anyType = basic('interface', 'interface {}')
/** A parameter type that accepts any value unchanged, even interfaces and missing values: Go's `reflect.Value`. */
export const rawType: GoType = {kind: 'struct', text: 'reflect.Value', named: true, fields: [], methods: noMethods}

const made = new Map<string, GoType>()
const numbers = new WeakMap<GoType, number>()
let counted = 0

function number(type: GoType): number {
  let found = numbers.get(type)
  if (found === undefined) {
    counted += 1
    found = counted
    numbers.set(type, found)
  }
  return found
}

function once(key: string, make: () => GoType): GoType {
  let type = made.get(key)
  if (type === undefined) {
    type = make()
    made.set(key, type)
  }
  return type
}

/** `[]elem` */
export function sliceType(elem: GoType): GoType {
  return once(`[]${number(elem)}`, () => ({
    kind: 'slice',
    text: `[]${elem.text}`,
    named: false,
    elem,
    methods: noMethods,
  }))
}

/** `map[key]elem` */
export function mapType(key: GoType, elem: GoType): GoType {
  return once(`map ${number(key)} ${number(elem)}`, () => ({
    kind: 'map',
    text: `map[${key.text}]${elem.text}`,
    named: false,
    key,
    elem,
    methods: noMethods,
  }))
}

/** `*elem`. `methods` are those that only the pointer has; the target's methods are added. */
export function pointerType(elem: GoType, methods?: ReadonlyMap<string, Method>): GoType {
  return once(`*${number(elem)}`, () => ({
    kind: 'pointer',
    text: `*${elem.text}`,
    named: false,
    elem,
    methods: pointerMethods(elem, methods ?? noMethods),
  }))
}

function pointerMethods(elem: GoType, own: ReadonlyMap<string, Method>): ReadonlyMap<string, Method> {
  const all = new Map(own)
  if (elem.kind === 'interface') return all
  for (const [name, method] of elem.methods) {
    all.set(name, {...method, call: (receiver, ...args) => method.call(receiver.data as GoValue, ...args)})
  }
  return all
}

/** A declared type with its full name, such as `dependency.HealthService`. Each call creates a different type. */
export function namedType(name: string, underlying: GoType, methods: ReadonlyMap<string, Method> = noMethods): GoType {
  return {...underlying, text: name, named: true, underlying, methods}
}

/** An unnamed struct type. */
export function structType(fields: readonly Field[]): GoType {
  const text =
    fields.length === 0 ? 'struct {}' : `struct { ${fields.map(f => `${f.name} ${f.type.text}`).join('; ')} }`
  return {kind: 'struct', text, named: false, fields, methods: noMethods}
}

/** The function type with this signature. */
export function funcType(signature: Signature): GoType {
  const last = signature.in.length - 1
  const taken = signature.in.map((type, i) =>
    signature.variadic === true && i === last ? `...${type.text}` : type.text,
  )
  const given = signature.fails === true ? `(${signature.out.text}, error)` : signature.out.text
  const key = `${signature.in.map(number).join(' ')}${signature.variadic === true ? '...' : ''}`
  const text = `func(${taken.join(', ')}) ${given}`
  return once(`func ${key} ${number(signature.out)} ${String(signature.fails === true)}`, () => ({
    kind: 'func',
    text,
    named: false,
    signature,
    methods: noMethods,
  }))
}

/** True if a value of type `from` is assignable to `to`. */
export function isAssignable(from: GoType, to: GoType): boolean {
  if (from === to) return true
  if (to.kind === 'interface') {
    for (const name of to.methods.keys()) if (!from.methods.has(name)) return false
    return true
  }
  if (from.named && to.named) return false
  return (from.underlying ?? from) === (to.underlying ?? to) && (from.named || to.named)
}

/** True if nil is a value of this type. */
export function canBeNil(type: GoType): boolean {
  return type === rawType || ['func', 'interface', 'map', 'pointer', 'slice'].includes(type.kind)
}

/** True if values of this type can be compared with `==`. */
export function isComparable(type: GoType): boolean {
  if (type.kind === 'array') return type.elem !== undefined && isComparable(type.elem)
  if (type.kind === 'struct') return (type.fields ?? []).every(field => isComparable(field.type))
  return !['slice', 'map', 'func'].includes(type.kind)
}

const signedKinds = new Set<Kind>(['int', 'int8', 'int16', 'int32', 'int64'])
const unsignedKinds = new Set<Kind>(['uint', 'uint8', 'uint16', 'uint32', 'uint64', 'uintptr'])

export function isSigned(kind: Kind | undefined): boolean {
  return kind !== undefined && signedKinds.has(kind)
}

export function isUnsigned(kind: Kind | undefined): boolean {
  return kind !== undefined && unsignedKinds.has(kind)
}

/** Returns the size of an integer type in bits. */
export function bitsOf(kind: Kind): number {
  return Number(/\d+$/.exec(kind)?.[0] ?? 64)
}
