import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {compareText} from '../../gotemplate/value/text.js'
import {
  type Argument,
  anyType,
  boolType,
  type GoType,
  type GoValue,
  type Method,
  namedType,
  pointerType,
  sliceType,
  stringType,
  structType,
} from '../../gotemplate/value/types.js'
import {GoError, makeBool, makeSlice, makeString} from '../../gotemplate/value/values.js'
import {entriesByName, textOf} from './define.js'
import {mapOf} from './lists.js'

type Values = Map<string, Argument>

const valuesOf = (scratch: GoValue): Values => (scratch.data as GoValue).data as Values
const nothing = makeString('')

function mapIn(values: Values, name: string): Map<string, Argument> {
  const held = values.get(name)
  if (held === undefined) return new Map()
  if (held.type.kind !== 'map') throw new GoError(`"${name}" is not a map`)
  return new Map(entriesByName(held))
}

function setInMap(scratch: GoValue, [name, key, value]: Argument[], replace: boolean): Argument {
  const values = valuesOf(scratch)
  const map = mapIn(values, textOf(name))
  if (replace || !map.has(textOf(key))) map.set(textOf(key), value)
  values.set(textOf(name), mapOf(map))
  return nothing
}

function mapValues(scratch: GoValue, name: Argument): Argument {
  const values = valuesOf(scratch)
  if (!values.has(textOf(name))) return makeSlice(anyType, [])
  const map = [...mapIn(values, textOf(name))].sort(([a], [b]) => compareText(a, b))
  return makeSlice(
    anyType,
    map.map(([, value]) => value),
  )
}

const methods = new Map<string, Method>([
  ['Key', {in: [stringType], out: boolType, call: (s, name) => makeBool(valuesOf(s).get(textOf(name)) !== undefined)}],
  ['Get', {in: [stringType], out: anyType, call: (s, name) => valuesOf(s).get(textOf(name))}],
  [
    'Set',
    {
      in: [stringType, anyType],
      out: stringType,
      call: (s, name, value) => {
        valuesOf(s).set(textOf(name), value)
        return nothing
      },
    },
  ],
  [
    'SetX',
    {
      in: [stringType, anyType],
      out: stringType,
      call: (s, name, value) => {
        if (!valuesOf(s).has(textOf(name))) valuesOf(s).set(textOf(name), value)
        return nothing
      },
    },
  ],
  ['MapSet', {in: [stringType, stringType, anyType], out: stringType, call: (s, ...args) => setInMap(s, args, true)}],
  ['MapSetX', {in: [stringType, stringType, anyType], out: stringType, call: (s, ...args) => setInMap(s, args, false)}],
  ['MapValues', {in: [stringType], out: sliceType(anyType), fails: true, call: mapValues}],
])

const scratchType: GoType = namedType('template.Scratch', structType([]))
const scratchPointer = pointerType(scratchType, methods)

/** consul-template's `scratch`: named values that a template sets and reads during one rendering. */
export function scratchFunction(): TemplateFunction {
  const scratch: GoValue = {type: scratchPointer, data: {type: scratchType, data: new Map<string, Argument>()}}
  return {in: [], out: scratchPointer, call: () => scratch}
}
