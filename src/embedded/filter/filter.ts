import {RE2JS} from 're2js'
import type {Printable} from '../go/json-print.js'
import {HttpError} from '../refusals.js'
import {type Expression, FilterError, parseFilter, type Test} from './expression.js'
import {type Field, type Fields, operatorsOf} from './fields.js'

export type RowFilter = (row: Printable) => boolean

const quote = (text: string): string => JSON.stringify(text)

/**
 * Returns the field that a selector names. Throws if it does not exist; the message shows the selector up to its first
 * unknown name.
 */
function fieldOf(selector: readonly string[], fields: Fields): Field {
  let field: Field = {kind: 'object', fields}
  for (const [at, name] of selector.entries()) {
    const next: Field | undefined =
      field.kind === 'map'
        ? field.of
        : 'fields' in field && Object.hasOwn(field.fields, name)
          ? field.fields[name]
          : undefined
    if (!next) throw new FilterError(`Selector ${quote(selector.slice(0, at + 1).join('.'))} is not valid`)
    field = next
  }
  return field
}

/** Parses an integer as Go does with base 0: `0x`, `0o`, `0b`, and a leading 0 for octal. */
function parseGoInt(text: string): bigint {
  const digits = text.replace(/^[+-]/, '').replace(/^0(?=[0-7]+$)/, '0o')
  if (!/^(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|\d+)$/.test(digits) || /^0\d/.test(digits)) {
    throw new FilterError('invalid syntax')
  }
  const value = text.startsWith('-') ? -BigInt(digits) : BigInt(digits)
  if (value >= 2n ** 63n || value < -(2n ** 63n)) throw new FilterError('value out of range')
  return value
}

function parseGoBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false
  throw new FilterError('invalid syntax')
}

/** Converts the value of a test to the type of the field. */
function coerce<T>(test: Test, called: string, read: (text: string) => T): T {
  const text = test.value ?? ''
  try {
    return read(text)
  } catch (error) {
    const why = `strconv.${called}: parsing ${quote(text)}: ${error instanceof Error ? error.message : String(error)}`
    throw new FilterError(
      `Failed to coerce value ${quote(text)} for selector ${quote(test.selector.join('.'))}: ${why}`,
    )
  }
}

function compileRegex(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const why = text.startsWith('error parsing regexp') ? text : `error parsing regexp: ${text}`
    throw new FilterError(`Failed to compile regular expression ${quote(pattern)}: ${why}`)
  }
}

function compileEquality(test: Test, kind: Field['kind']): RowFilter {
  const wanted = test.operator === 'Equal'
  if (kind === 'bool') {
    const value = coerce(test, 'ParseBool', parseGoBool)
    return found => ((found ?? false) === value) === wanted
  }
  if (kind === 'int') {
    const value = coerce(test, 'ParseInt', parseGoInt)
    return found => (BigInt((found ?? 0) as number) === value) === wanted
  }
  return found => ((found ?? '') === test.value) === wanted
}

function has(value: Printable, wanted: string): boolean {
  if (Array.isArray(value)) return value.includes(wanted)
  if (value instanceof Map) return value.has(wanted)
  return typeof value === 'string' && value.includes(wanted)
}

function isEmpty(value: Printable): boolean {
  if (Array.isArray(value)) return value.length === 0
  return value instanceof Map ? value.size === 0 : true
}

/** Compiles a test of a selector's value. */
function compileTest(test: Test, {kind}: Field): RowFilter {
  const {operator, value = ''} = test
  if (!operatorsOf[kind].includes(operator)) {
    throw new FilterError(`Invalid match operator ${quote(operator)} for selector ${quote(test.selector.join('.'))}`)
  }
  if (operator === 'Equal' || operator === 'Not Equal') return compileEquality(test, kind)
  if (operator === 'In') return found => has(found, value)
  if (operator === 'Not In') return found => !has(found, value)
  if (operator === 'Is Empty') return isEmpty
  if (operator === 'Is Not Empty') return found => !isEmpty(found)
  const regex = compileRegex(value)
  const wanted = operator === 'Matches'
  return found => regex.matcher(typeof found === 'string' ? found : '').find() === wanted
}

/** If a map lacks the key, the result of these operators is false, and that of all others is true. */
const needsPresence = new Set(['Equal', 'Is Not Empty', 'In'])

/**
 * Follows the selector and tests the value that it leads to. In a list of objects, one match is
 * enough.
 */
function lookUp(value: Printable, selector: readonly string[], test: Test, judge: RowFilter): boolean {
  const [name, ...rest] = selector
  if (name === undefined) return judge(value)
  if (Array.isArray(value)) return value.some(item => lookUp(item as Printable, selector, test, judge))
  if (value instanceof Map) {
    const found = (value as ReadonlyMap<string, Printable>).get(name)
    return found === undefined ? !needsPresence.has(test.operator) : lookUp(found, rest, test, judge)
  }
  // A missing map counts as an empty one.
  if (typeof value !== 'object' || value === null) return !needsPresence.has(test.operator)
  return lookUp((value as {readonly [name: string]: Printable})[name], rest, test, judge)
}

function compile(expression: Expression, fields: Fields): RowFilter {
  if (expression.type === 'test') {
    const judge = compileTest(expression, fieldOf(expression.selector, fields))
    return row => lookUp(row, expression.selector, expression, judge)
  }
  if (expression.type === 'not') {
    const inner = compile(expression.inner, fields)
    return row => !inner(row)
  }
  const [left, right] = [compile(expression.left, fields), compile(expression.right, fields)]
  return expression.type === 'and' ? row => left(row) && right(row) : row => left(row) || right(row)
}

const refuseText = (prefix: string, error: unknown): never => {
  if (error instanceof FilterError) throw new HttpError(500, `${prefix}${error.message}`)
  throw error
}
const prefix = 'Failed to create boolean expression evaluator: '

/** Compiles `?filter=` for rows with these fields. Throws Consul's error if the filter is invalid. */
export function filterOf(text: string, fields: Fields): RowFilter {
  if (text === '') return () => true
  try {
    return compile(parseFilter(text), fields)
  } catch (error) {
    return refuseText(prefix, error)
  }
}

/** Compiles a filter for the agent's own checks. Refuses an unknown field only if there is a check to filter. */
export function lateFilterOf(text: string, fields: Fields): RowFilter {
  if (text === '') return () => true
  let filter: RowFilter | undefined
  let expression: Expression
  try {
    expression = parseFilter(text)
  } catch (error) {
    return refuseText(prefix, error)
  }
  return row => {
    try {
      filter ??= compile(expression, fields)
    } catch (error) {
      refuseText('', error)
    }
    return filter?.(row) === true
  }
}
