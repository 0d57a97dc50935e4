import {RE2JS} from 're2js'
import type {Printable} from '../go/json-print.js'
import {HttpError} from '../http/reply.js'
import {type Expression, FilterError, parseFilter} from './expression.js'

/** One step into a printed value: a field in any case, or an entry of a map. */
function step(value: Printable, name: string): Printable {
  if (value instanceof Map) return (value as ReadonlyMap<string, Printable>).get(name)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const fields = value as {readonly [name: string]: Printable}
  return fields[name]
}

const follow = (value: Printable, selector: readonly string[]): Printable => selector.reduce(step, value)

function has(value: Printable, wanted: string): boolean {
  if (Array.isArray(value)) return value.some(item => String(item) === wanted)
  if (value instanceof Map) return value.has(wanted)
  return typeof value === 'string' && value.includes(wanted)
}

function isEmpty(value: Printable): boolean {
  if (value === null || value === undefined || value === '') return true
  if (Array.isArray(value)) return value.length === 0
  return value instanceof Map && value.size === 0
}

const shown = (value: Printable): string => (typeof value === 'object' ? '' : String(value ?? ''))

function test(expression: Extract<Expression, {type: 'test'}>, row: Printable): boolean {
  const {selector, operator, value} = expression
  const found = follow(row, selector)
  switch (operator) {
    case '==':
      return shown(found) === value
    case '!=':
      return shown(found) !== value
    case 'in':
      return has(found, value)
    case 'not in':
      return !has(found, value)
    case 'is empty':
      return isEmpty(found)
    case 'is not empty':
      return !isEmpty(found)
    case 'matches':
      return RE2JS.compile(value).matcher(shown(found)).find()
    case 'not matches':
      return !RE2JS.compile(value).matcher(shown(found)).find()
  }
}

function evaluate(expression: Expression, row: Printable): boolean {
  switch (expression.type) {
    case 'and':
      return evaluate(expression.left, row) && evaluate(expression.right, row)
    case 'or':
      return evaluate(expression.left, row) || evaluate(expression.right, row)
    case 'not':
      return !evaluate(expression.inner, row)
    case 'test':
      return test(expression, row)
  }
}

/** Selectors are checked against the fields that rows have; what lies below maps may have any name. */
function checkSelectors(expression: Expression, sample: Printable): void {
  if (expression.type === 'not') {
    checkSelectors(expression.inner, sample)
    return
  }
  if (expression.type !== 'test') {
    checkSelectors(expression.left, sample)
    checkSelectors(expression.right, sample)
    return
  }
  let at = sample
  for (const name of expression.selector) {
    if (at instanceof Map || at === null) return
    at = step(at, name)
    if (at === undefined)
      throw new FilterError(`Selector ${JSON.stringify(expression.selector.join('.'))} is not valid`)
  }
}

export type RowFilter = (row: Printable) => boolean

/** `?filter=`; `sample` is a row with all its fields. Throws Consul's refusal. */
export function filterOf(text: string, sample: Printable): RowFilter {
  if (text === '') return () => true
  try {
    const expression = parseFilter(text)
    checkSelectors(expression, sample)
    return row => evaluate(expression, row)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new HttpError(500, `Failed to create boolean expression evaluator: ${error.message}`)
  }
}
