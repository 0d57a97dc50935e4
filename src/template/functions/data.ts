import type {KvEntry, ServiceInstance} from '../../core/types.js'
import type {FunctionTable, TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {compareText, decodeText} from '../../gotemplate/value/text.js'
import {
  type Argument,
  anyType,
  type GoType,
  type GoValue,
  intType,
  mapType,
  sliceType,
  stringType,
} from '../../gotemplate/value/types.js'
import {
  elementsOf,
  GoError,
  type MapData,
  makeBool,
  makeInt,
  makeMap,
  makeString,
  makeStrings,
  mapKey,
  stored,
} from '../../gotemplate/value/values.js'
import {
  agentNameDependency,
  type Dependency,
  datacentersDependency,
  keyDependency,
  nodeDependency,
  nodesDependency,
  prefixDependency,
  serviceDependency,
  servicesDependency,
} from '../dependency.js'
import {
  catalogNode,
  catalogSnippet,
  fieldOf,
  healthService,
  healthServicesType,
  keyPair,
  nodesType,
  nodeWithServices,
  pairPointerType,
  pairsType,
  renamedPair,
  snippetsType,
  statusOf,
} from '../go-values.js'
import {parseKey, parseNode, parsePlace, parseService} from '../query-text.js'
import {define, entriesByName, textOf} from './define.js'
import {explode} from './lists.js'
import {unreadable} from './text.js'

/** Provides template functions with the data that they read from Consul. */
export interface DataSource {
  /** Returns the value. Throws an Interruption if it has not been read yet. */
  need<T>(dependency: Dependency<T>): T
  /** Throws an Interruption, because the dependency does not exist in Consul yet. */
  absent(dependency: Dependency): never
}

const datacentersEveryMs = 15_000
const agentNameEveryMs = 60_000

const optional = (call: (source: DataSource, text: string) => Argument, out: GoType) => (source: DataSource) =>
  define('string...', out, (...texts) => call(source, texts.map(textOf).join('')))

function key(source: DataSource, text: string): Argument {
  const {path, ...where} = parseKey('kv.get', text)
  const dependency = keyDependency(path, where)
  const entry = source.need(dependency)
  return entry === undefined ? source.absent(dependency) : makeString(decodeText(entry.value))
}

function entryOf(source: DataSource, text: string): KvEntry | undefined {
  const {path, ...where} = parseKey('kv.get', text)
  return source.need(keyDependency(path, where))
}

function keyOrDefault(source: DataSource, text: string, otherwise: string): Argument {
  const value = entryOf(source, text)?.value
  return makeString(value === undefined || value.length === 0 ? otherwise : decodeText(value))
}

/** `ls` and `tree`: the pairs of keys and values below a prefix, without folders. */
function pairs(source: DataSource, text: string, isDeep: boolean): GoValue {
  if (text === '') return {type: pairsType, data: []}
  const {path, ...where} = parseKey('kv.list', text)
  const entries = source.need(prefixDependency(path, where))
  const found = entries.flatMap(entry => {
    const name = (entry.key.startsWith(path) ? entry.key.slice(path.length) : entry.key).replace(/^\/+/, '')
    const isWanted = name !== '' && !name.endsWith('/') && (isDeep || !name.includes('/'))
    return isWanted ? [keyPair(entry, name)] : []
  })
  return {type: pairsType, data: found}
}

/** `safeLs` and `safeTree`: like `ls` and `tree`, but they wait until there is at least one key. */
function safePairs(source: DataSource, text: string, isDeep: boolean): GoValue {
  const found = pairs(source, text, isDeep)
  if (text !== '' && elementsOf(found).length === 0) {
    const {path, ...where} = parseKey('kv.list', text)
    source.absent(prefixDependency(path, where))
  }
  return found
}

function instances(source: DataSource, texts: readonly string[]): GoValue {
  const asked = parseService(texts.join('|'))
  const isWanted = ({checks}: ServiceInstance): boolean =>
    asked.states.length === 0 || asked.states.includes(statusOf(checks))
  const found = source.need(serviceDependency(asked)).filter(isWanted)
  // If the query contains `~near`, the instances stay in Consul's order by distance from a node.
  const byNode = (a: ServiceInstance, b: ServiceInstance): number =>
    compareText(a.node.node, b.node.node) || compareText(a.serviceId, b.serviceId)
  const sorted = asked.near === undefined ? found.toSorted(byNode) : found
  return {type: healthServicesType, data: sorted.map(healthService)}
}

function serviceNames(source: DataSource, text: string): GoValue {
  const found = [...source.need(servicesDependency(parsePlace('catalog.services', text)))]
  found.sort(([a], [b]) => compareText(a, b))
  return {type: snippetsType, data: found.map(([name, tags]) => catalogSnippet(name, tags))}
}

function node(source: DataSource, text: string): GoValue {
  const {name, ...where} = parseNode(text)
  const asked = name ?? source.need(agentNameDependency(agentNameEveryMs))
  return nodeWithServices(source.need(nodeDependency(asked, where)))
}

function nodeList(source: DataSource, text: string): GoValue {
  const found = source.need(nodesDependency(parsePlace('catalog.nodes', text)))
  return {type: nodesType, data: found.toSorted((a, b) => compareText(a.node, b.node)).map(catalogNode)}
}

function datacenters(source: DataSource): GoValue {
  return makeStrings(source.need(datacentersDependency(datacentersEveryMs)).toSorted(compareText))
}

/**
 * `byKey`: groups pairs by the part of their keys before the first slash; the rest of each key becomes the key within
 * the group.
 */
function byKey(list: Argument): GoValue {
  const found = new Map<string, [string, Argument][]>()
  for (const pair of elementsOf(list ?? {type: pairsType, data: []})) {
    const [top = '', ...rest] = textOf(fieldOf(pair, 'Key')).split('/')
    if (pair === undefined || rest.length === 0) continue
    const name = rest.join('/')
    found.set(top, [...(found.get(top) ?? []), [name, renamedPair(pair, name)]])
  }
  const inner = mapType(stringType, pairPointerType)
  return makeMap(
    inner,
    [...found].map(([top, members]) => [top, makeMap(pairPointerType, members)] as const),
  )
}

/** `byTag`: groups services by tag. A service with several tags is in several groups. */
function byTag(given: Argument): GoValue {
  const list = stored(given)
  if (list?.type !== healthServicesType && list?.type !== snippetsType) {
    throw new GoError(`byTag: wrong argument type ${list?.type.text ?? '<nil>'}`)
  }
  const found = new Map<string, Argument[]>()
  for (const element of elementsOf(list)) {
    for (const tag of elementsOf(fieldOf(element, 'Tags') ?? {type: sliceType(stringType), data: []})) {
      found.set(textOf(tag), [...(found.get(textOf(tag)) ?? []), element])
    }
  }
  const lists = sliceType(anyType)
  return makeMap(
    lists,
    [...found].map(([tag, members]) => [tag, {type: lists, data: members}] as const),
  )
}

function healthServicesOf(name: string, given: Argument): readonly Argument[] {
  const list = stored(given)
  if (list?.type !== healthServicesType) {
    throw new GoError(`${name}: wrong argument type ${list?.type.text ?? '<nil>'}`)
  }
  return elementsOf(list)
}

/** `byPort`: groups services by port. */
function byPort(given: Argument): GoValue {
  const lists = sliceType(anyType)
  const found = new Map<bigint, Argument[]>()
  for (const element of healthServicesOf('byPort', given)) {
    const port = fieldOf(element, 'Port')?.data as bigint
    found.set(port, [...(found.get(port) ?? []), element])
  }
  const data: MapData = new Map()
  for (const [port, members] of found) {
    const key = makeInt(port)
    data.set(mapKey(key), {key, value: {type: lists, data: members}})
  }
  return {type: mapType(intType, lists), data}
}

/** `byMeta`: groups services by entries of their metadata. `NAME|int` sorts by number. */
function byMeta(names: string, given: Argument): GoValue {
  const found = new Map<string, Argument[]>()
  for (const element of healthServicesOf('byMeta', given)) {
    const meta = new Map(entriesByName(fieldOf(element, 'ServiceMeta')).map(([name, value]) => [name, textOf(value)]))
    const key = names
      .split(',')
      .map(name => metaPart(meta, name).replace(/[^a-zA-Z0-9_-]/g, '_'))
      .join('_')
    found.set(key, [...(found.get(key) ?? []), element])
  }
  return makeMap(
    healthServicesType,
    [...found].map(([key, members]) => [key, {type: healthServicesType, data: members}] as const),
  )
}

function metaPart(meta: ReadonlyMap<string, string>, asked: string): string {
  const isNumber = asked.endsWith('|int')
  const name = isNumber ? asked.slice(0, -'|int'.length) : asked
  const value = (meta.get(name) ?? '') || (isNumber ? '0' : `_no_${name}_`)
  if (!isNumber) return value
  if (!/^[+-]?\d+$/.test(value)) {
    throw new GoError(`cannot parse ${value} as number : ${unreadable('Atoi', value)}`)
  }
  const number = BigInt(value.replace('+', ''))
  return number < 0n ? `-${String(-number).padStart(4, '0')}` : String(number).padStart(5, '0')
}

const ofPairs = (call: (list: Argument) => GoValue, out: GoType): TemplateFunction => ({in: [pairsType], out, call})

/** Builds nested maps from pairs: each `/` in a key begins a deeper map. */
function explodePairs(list: Argument): GoValue {
  const found = list === undefined ? [] : elementsOf(list)
  return explode(found.map(pair => [textOf(fieldOf(pair, 'Key')), fieldOf(pair, 'Value')] as const))
}

/** The functions that read from Consul, and those that group the results. */
export function dataFunctions(source: DataSource): FunctionTable {
  const deep = (safe: typeof pairs, isDeep: boolean): TemplateFunction =>
    define('string', pairsType, text => safe(source, textOf(text), isDeep))
  const withDefault = define('string string', 'string', (text, otherwise) =>
    keyOrDefault(source, textOf(text), textOf(otherwise)),
  )
  return new Map<string, TemplateFunction>([
    ['key', define('string', 'string', text => key(source, textOf(text)))],
    ['keyExists', define('string', 'bool', text => makeBool(entryOf(source, textOf(text)) !== undefined))],
    ['keyOrDefault', withDefault],
    ['key_or_default', withDefault],
    ['ls', deep(pairs, false)],
    ['tree', deep(pairs, true)],
    ['safeLs', deep(safePairs, false)],
    ['safeTree', deep(safePairs, true)],
    ['service', define('string...', healthServicesType, (...texts) => instances(source, texts.map(textOf)))],
    ['services', optional(serviceNames, snippetsType)(source)],
    ['node', optional(node, anyType)(source)],
    ['nodes', optional(nodeList, nodesType)(source)],
    ['datacenters', define('any...', 'strings', () => datacenters(source))],
    ['byKey', ofPairs(byKey, mapType(stringType, mapType(stringType, pairPointerType)))],
    ['byTag', define('any', mapType(stringType, sliceType(anyType)), byTag)],
    ['byPort', define('any', mapType(intType, sliceType(anyType)), byPort)],
    [
      'byMeta',
      define('string any', mapType(stringType, healthServicesType), (names, list) => byMeta(textOf(names), list)),
    ],
    ['explode', ofPairs(explodePairs, mapType(stringType, anyType))],
  ])
}
