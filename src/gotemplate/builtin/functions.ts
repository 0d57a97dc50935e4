import {sprint, sprintln} from '../format/printer.js'
import {sprintf} from '../format/printf.js'
import {anyType, boolType, type GoType, intType, rawType, type Signature, stringType} from '../value/types.js'
import {type Call, GoError, makeBool, makeInt, makeString} from '../value/values.js'
import {callFunction, indexOf, lengthOfAny, sliceOf} from './access.js'
import {equalsAny, isLess, isLessOrEqual} from './compare.js'
import {escapeHtml, escapeJs, escapeQuery, joinValues} from './escape.js'
import {isTrue} from './truth.js'

/** A function that templates can call by name. */
export interface TemplateFunction extends Signature {
  readonly call: Call
}

/** Functions by name. */
export type FunctionTable = ReadonlyMap<string, TemplateFunction>

function define(types: readonly GoType[], out: GoType, call: Call): TemplateFunction {
  return {in: types, out, call}
}

function variadic(types: readonly GoType[], out: GoType, call: Call): TemplateFunction {
  return {in: types, variadic: true, out, call}
}

const comparison = (compare: (...args: Parameters<typeof isLess>) => boolean): TemplateFunction =>
  define([rawType, rawType], boolType, (a, b) => makeBool(compare(a, b)))

const texts = (write: (text: string) => string): TemplateFunction =>
  variadic([anyType], stringType, (...args) => makeString(write(joinValues(args))))

const evaluatedElsewhere: Call = () => {
  throw new GoError('unreachable')
}

/** The functions that every Go template has. The evaluator itself calls `and` and `or`, which skip later arguments. */
export const builtinFunctions: FunctionTable = new Map<string, TemplateFunction>([
  ['and', variadic([rawType, rawType], rawType, evaluatedElsewhere)],
  ['or', variadic([rawType, rawType], rawType, evaluatedElsewhere)],
  ['not', define([rawType], boolType, value => makeBool(!isTrue(value)))],
  ['call', variadic([rawType, rawType], rawType, (fn, ...args) => callFunction(fn, args))],
  ['index', variadic([rawType, rawType], rawType, (item, ...indexes) => indexOf(item, indexes))],
  ['slice', variadic([rawType, rawType], rawType, (item, ...indexes) => sliceOf(item, indexes))],
  ['len', define([rawType], intType, item => makeInt(lengthOfAny(item)))],
  ['html', texts(escapeHtml)],
  ['js', texts(escapeJs)],
  ['urlquery', texts(escapeQuery)],
  ['print', variadic([anyType], stringType, (...args) => makeString(sprint(args)))],
  ['println', variadic([anyType], stringType, (...args) => makeString(sprintln(args)))],
  [
    'printf',
    variadic([stringType, anyType], stringType, (format, ...args) => makeString(sprintf(format?.data as string, args))),
  ],
  ['eq', variadic([rawType, rawType], boolType, (first, ...others) => makeBool(equalsAny(first, others)))],
  ['ne', comparison((a, b) => !equalsAny(a, [b]))],
  ['lt', comparison(isLess)],
  ['le', comparison(isLessOrEqual)],
  ['gt', comparison((a, b) => !isLessOrEqual(a, b))],
  ['ge', comparison((a, b) => !isLess(a, b))],
])
