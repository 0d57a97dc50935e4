import {indirect} from '../builtin/access.js'
import {type Argument, type GoType, type GoValue, isAssignable, type Signature, stringType} from '../value/types.js'
import {asElement, type Call, entriesOf, makeString, mapKey, zeroOf} from '../value/values.js'
import type {Scope} from './scope.js'

/** What a name after a dot refers to. */
export type Member =
  | {readonly kind: 'value'; readonly value: Argument}
  | {readonly kind: 'method'; readonly signature: Signature; readonly call: Call}

const nothing: Member = {kind: 'value', value: undefined}

/** Finds a method, a struct field or a map entry by name. */
export function findMember(scope: Scope, receiver: Argument, name: string, hasArguments: boolean): Member {
  if (receiver === undefined) {
    if (scope.shared.missingKey === 'error') scope.fail(`nil data; no entry for key "${name}"`)
    return nothing
  }
  const {type} = receiver
  const {value, nil} = indirect(receiver)
  if (value === undefined) return nothing
  if (nil && value.type.kind === 'interface') scope.fail(`nil pointer evaluating ${type.text}.${name}`)
  const method = findMethod(receiver, value, name)
  if (method !== undefined) return method
  const found = inStruct(scope, value, {type, name, hasArguments}) ?? inMap(scope, value, {type, name, hasArguments})
  if (found !== undefined) return found
  if (nil && mayHave(value.type.elem, name)) scope.fail(`nil pointer evaluating ${type.text}.${name}`)
  return scope.fail(`can't evaluate field ${name} in type ${type.text}`)
}

/** Finds a method of the value. If the value was reached through a pointer, also finds methods of the pointer. */
function findMethod(receiver: GoValue, value: GoValue, name: string): Member | undefined {
  const own = value.type.methods.get(name)
  if (own !== undefined) return {kind: 'method', signature: own, call: (...args) => own.call(value, ...args)}
  let pointer: Argument = receiver
  while (pointer !== undefined && pointer.data !== value && pointer !== value) pointer = pointer.data as Argument
  const method = pointer?.type.methods.get(name)
  if (pointer === undefined || method === undefined) return undefined
  const target = pointer
  return {kind: 'method', signature: method, call: (...args) => method.call(target, ...args)}
}

interface Wanted {
  /** Type of the receiver before its pointers were followed, for error messages. */
  readonly type: GoType
  readonly name: string
  readonly hasArguments: boolean
}

function inStruct(scope: Scope, value: GoValue, wanted: Wanted): Member | undefined {
  const {fields} = value.type
  const at = value.type.kind === 'struct' ? (fields ?? []).findIndex(field => field.name === wanted.name) : -1
  const field = fields?.[at]
  if (field === undefined) return undefined
  if (!/^\p{Lu}/u.test(field.name)) {
    scope.fail(`${wanted.name} is an unexported field of struct type ${wanted.type.text}`)
  }
  if (wanted.hasArguments) scope.fail(`${wanted.name} has arguments but cannot be invoked as function`)
  return {kind: 'value', value: asElement(field.type, (value.data as readonly Argument[])[at])}
}

function inMap(scope: Scope, value: GoValue, wanted: Wanted): Member | undefined {
  const {kind, key, elem} = value.type
  if (kind !== 'map' || key === undefined || elem === undefined || !isAssignable(stringType, key)) return undefined
  if (wanted.hasArguments) scope.fail(`${wanted.name} is not a method but has arguments`)
  const entry = entriesOf(value).get(mapKey(makeString(wanted.name)))
  if (entry !== undefined) return {kind: 'value', value: asElement(elem, entry.value)}
  if (scope.shared.missingKey === 'error') scope.fail(`map has no entry for key "${wanted.name}"`)
  return scope.shared.missingKey === 'zero' ? {kind: 'value', value: zeroOf(elem)} : nothing
}

/**
 * True if the target of a nil pointer may have this field: always, unless the type of the target is a struct without
 * the field. If true, the error is about the nil pointer, not the field.
 */
function mayHave(type: GoType | undefined, name: string): boolean {
  return type?.kind !== 'struct' || (type.fields ?? []).some(field => field.name === name)
}
