import type {Bindings} from './bindings.js'

type Fields = Readonly<Record<string, unknown>>

const uuidShape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Parses JSON. Integers beyond 2^53 become bigints. */
export function parseExact(text: string): unknown {
  const tagged = text.replace(/("(?:[^"\\]|\\.)*")|(-?\d{16,})/g, (_, quoted?: string, digits?: string) =>
    quoted === undefined ? `{"$digits":"${digits}"}` : quoted,
  )
  return JSON.parse(tagged, (_, value: unknown) =>
    typeof value === 'object' && value !== null && '$digits' in value ? BigInt(value.$digits as string) : value,
  )
}

const show = (value: unknown): string =>
  value === undefined
    ? 'nothing'
    : JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)).slice(0, 200)

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'bigint' ? 'number' : typeof value
}

export const foldedUuid = (uuid: string): bigint => {
  const hex = uuid.replaceAll('-', '')
  return BigInt(`0x${hex.slice(0, 16)}`) ^ BigInt(`0x${hex.slice(16)}`)
}

/**
 * Returns the differences between the recorded and the actual answer, one per line. Binds each placeholder to the first
 * value that it meets.
 */
export function differences(expected: unknown, actual: unknown, bindings: Bindings, where = 'body'): string[] {
  const wrong = (): string[] => [`${where}: expected ${show(expected)}, got ${show(actual)}`]
  if (Array.isArray(expected)) return arrayDifferences(expected, actual, bindings, where)
  if (typeof expected === 'object' && expected !== null) {
    const special = Object.keys(expected).find(name => Object.hasOwn(placeholders, name))
    if (special !== undefined) {
      return placeholders[special]!({spec: expected as Fields, actual, bindings, where, wrong})
    }
    return objectDifferences(expected as Fields, actual, bindings, {where, exact: true})
  }
  const value = typeof expected === 'string' ? bindings.text(expected) : expected
  return value === actual ? [] : [`${where}: expected ${show(value)}, got ${show(actual)}`]
}

function arrayDifferences(expected: readonly unknown[], actual: unknown, bindings: Bindings, where: string): string[] {
  if (!Array.isArray(actual)) return [`${where}: expected an array, got ${show(actual)}`]
  if (actual.length !== expected.length) return [`${where}: expected ${expected.length} elements, got ${show(actual)}`]
  return expected.flatMap((item, at) => differences(item, actual[at], bindings, `${where}[${at}]`))
}

function objectDifferences(
  expected: Fields,
  actual: unknown,
  bindings: Bindings,
  options: {readonly where: string; readonly exact: boolean},
): string[] {
  const {where, exact} = options
  if (kindOf(actual) !== 'object') return [`${where}: expected an object, got ${show(actual)}`]
  const fields = actual as Fields
  const wanted = Object.entries(expected).map(([name, item]) => [bindings.text(name), item] as const)
  const names = new Set(wanted.map(([name]) => name))
  const extra = exact ? Object.keys(fields).filter(name => !names.has(name)) : []
  return [
    ...extra.map(name => `${where}: has an extra ${name}=${show(fields[name])}`),
    ...wanted.flatMap(([name, item]) =>
      Object.hasOwn(fields, name)
        ? differences(item, fields[name], bindings, `${where}.${name}`)
        : [`${where}: lacks ${name}`],
    ),
  ]
}

interface Placing {
  readonly spec: Fields
  readonly actual: unknown
  readonly bindings: Bindings
  readonly where: string
  readonly wrong: () => string[]
}

function matchIndex({spec, actual, bindings, wrong}: Placing): string[] {
  const digits =
    typeof actual === 'string' || typeof actual === 'number' || typeof actual === 'bigint' ? `${actual}` : ''
  if (!/^\d+$/.test(digits)) return wrong()
  const [value, name] = [BigInt(digits), spec['$index'] as string]
  const known = bindings.indexes.get(name)
  if (known !== undefined) return known === value ? [] : [...wrong(), `  ${name} is ${known}`]
  const bound = (key: string): bigint => bindings.indexes.get(spec[key] as string) ?? 0n
  const fits =
    value >= 1n &&
    (spec['new'] !== true || [...bindings.indexes.values()].every(other => value > other)) &&
    (spec['lt'] === undefined || value < bound('lt')) &&
    (spec['ge'] === undefined || value >= bound('ge'))
  bindings.indexes.set(name, value)
  return fits ? [] : wrong()
}

function matchUuid({spec, actual, bindings, wrong}: Placing): string[] {
  if (typeof actual !== 'string' || !uuidShape.test(actual)) return wrong()
  const name = spec['$uuid'] as string
  const known = bindings.uuids.get(name)
  bindings.uuids.set(name, known ?? actual)
  return known === undefined || known === actual ? [] : wrong()
}

/** Requires a matching actual element for each expected one. No actual element is used twice. */
function matchElements(
  {actual, bindings, where, wrong}: Placing,
  expected: readonly unknown[],
  all: boolean,
): string[] {
  if (!Array.isArray(actual) || (all && actual.length !== expected.length)) return wrong()
  const left = [...(actual as unknown[])]
  return expected.flatMap(item => {
    const at = left.findIndex(candidate => {
      const attempt = bindings.copy()
      if (differences(item, candidate, attempt).length > 0) return false
      bindings.adopt(attempt)
      return true
    })
    if (at < 0) return [`${where}: no element like ${show(item)} in ${show(actual)}`]
    left.splice(at, 1)
    return []
  })
}

function matchOne({spec, actual, bindings, wrong}: Placing): string[] {
  for (const choice of spec['$oneof'] as readonly unknown[]) {
    const attempt = bindings.copy()
    if (differences(choice, actual, attempt).length > 0) continue
    bindings.adopt(attempt)
    return []
  }
  return wrong()
}

const placeholders: Readonly<Record<string, (placing: Placing) => string[]>> = {
  $index: matchIndex,
  $uuid: matchUuid,
  $oneof: matchOne,
  $any: ({actual, wrong}) => (actual === undefined ? wrong() : []),
  $type: ({spec, actual, wrong}) => (kindOf(actual) === spec['$type'] ? [] : wrong()),
  $bignum: ({spec, actual, wrong}) => (String(actual) === spec['$bignum'] ? [] : wrong()),
  $match: ({spec, actual, bindings, wrong}) =>
    typeof actual === 'string' && new RegExp(bindings.text(spec['$match'] as string), 's').test(actual) ? [] : wrong(),
  $eventindex: ({spec, actual, bindings, wrong}) =>
    String(actual) === String(foldedUuid(bindings.uuids.get(spec['$eventindex'] as string) ?? '0')) ? [] : wrong(),
  $superset: ({spec, actual, bindings, where}) =>
    objectDifferences(spec['$superset'] as Fields, actual, bindings, {where, exact: false}),
  $contains: placing => matchElements(placing, placing.spec['$contains'] as readonly unknown[], false),
  $unordered: placing => matchElements(placing, placing.spec['$unordered'] as readonly unknown[], true),
}
