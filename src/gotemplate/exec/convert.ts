import {type Argument, canBeNil, type GoType, type GoValue, isAssignable, rawType} from '../value/types.js'
import {isNil, stored, zeroOf} from '../value/values.js'
import type {Scope} from './scope.js'

/** The input of a command if nothing is piped into it, which is different from a piped nil. */
export const absent: GoValue = {type: {...rawType, text: 'absent'}, data: undefined}

/**
 * Returns the value as the given type, or fails if the value's type does not fit. If no type is given, every value is
 * accepted.
 */
export function convert(scope: Scope, value: Argument, type: GoType | undefined): Argument {
  if (type === undefined || type === rawType) return value
  if (value === undefined) {
    if (canBeNil(type)) return zeroOf(type)
    return scope.fail(`invalid value; expected ${type.text}`)
  }
  if (isAssignable(value.type, type)) return value
  const inner = value.type.kind === 'interface' && !isNil(value) ? stored(value) : value
  if (inner !== undefined && inner !== value && isAssignable(inner.type, type)) return inner
  return dereferenced(scope, inner ?? value, type)
}

function dereferenced(scope: Scope, value: GoValue, type: GoType): Argument {
  const {kind, elem, text} = value.type
  if (kind !== 'pointer' || elem === undefined || !isAssignable(elem, type)) {
    return scope.fail(`wrong type for value; expected ${type.text}; got ${text}`)
  }
  if (value.data === null) return scope.fail(`dereference of nil pointer of type ${type.text}`)
  return value.data as GoValue
}

/** Returns a value as a function parameter: unwraps an interface, and converts a named type to the parameter's type. */
export function toParameter(type: GoType, value: Argument): Argument {
  if (type === rawType) return value
  if (type.kind === 'interface') return stored(value)
  return value === undefined || value.type === type ? value : {type, data: value.data}
}

/** Returns the result of a call as the type that the function declares. */
export function toResult(type: GoType, value: Argument): Argument {
  if (type === rawType) return value
  if (type.kind === 'interface') return {type, data: stored(value)}
  return value ?? zeroOf(type)
}
