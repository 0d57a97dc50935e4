import type {Argument} from '../value/types.js'
import {lengthOf, stored} from '../value/values.js'

/** The truth of a value for `if`, `with`, `and`, `or` and `not`: zero and empty values are false. */
export function isTrue(given: Argument): boolean {
  const value = stored(given)
  if (value === undefined) return false
  const {data} = value
  switch (value.type.kind) {
    case 'bool':
      return data as boolean
    case 'string':
    case 'slice':
    case 'array':
    case 'map':
      return lengthOf(value) > 0
    case 'struct':
      return true
    case 'pointer':
    case 'func':
    case 'interface':
      return data !== null
    case 'float32':
    case 'float64':
      return data !== 0
    case 'complex128': {
      const {re, im} = data as {re: number; im: number}
      return re !== 0 || im !== 0
    }
    default:
      return data !== 0n
  }
}
