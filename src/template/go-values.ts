import type {NodeService, NodeServices} from '../core/api/catalog.js'
import type {CheckInfo, KvEntry, NodeInfo, ServiceInstance} from '../core/types.js'
import {compareText, decodeText} from '../gotemplate/value/text.js'
import {
  type Argument,
  boolType,
  type GoType,
  type GoValue,
  intType,
  type Method,
  mapType,
  namedType,
  pointerType,
  sliceType,
  stringType,
  structType,
  uint64Type,
} from '../gotemplate/value/types.js'
import {elementsOf, makeBool, makeInt, makeMap, makeString, makeStruct} from '../gotemplate/value/values.js'

// The types of consul-template's package "dependency". Their fields are in the original order, because `{{.}}` prints
// all of them.

const textMap = mapType(stringType, stringType)

function struct(name: string, fields: readonly (readonly [string, GoType])[]): GoType {
  return namedType(name, structType(fields.map(([field, type]) => ({name: field, type}))))
}

const hasTag: Method = {
  in: [stringType],
  out: boolType,
  call: (tags, tag) => makeBool(elementsOf(tags).some(element => element?.data === tag?.data)),
}
/** Sorted tags, with the method `Contains`. */
const tagsType = namedType('dependency.ServiceTags', sliceType(stringType), new Map([['Contains', hasTag]]))

const keyPairType = struct('dependency.KeyPair', [
  ['Path', stringType],
  ['Key', stringType],
  ['Value', stringType],
  ['CreateIndex', uint64Type],
  ['ModifyIndex', uint64Type],
  ['LockIndex', uint64Type],
  ['Flags', uint64Type],
  ['Session', stringType],
])

const checkType = struct('api.HealthCheck', [
  ['Node', stringType],
  ['CheckID', stringType],
  ['Name', stringType],
  ['Status', stringType],
  ['Output', stringType],
  ['ServiceID', stringType],
  ['ServiceName', stringType],
])
const aggregatedStatus: Method = {
  in: [],
  out: stringType,
  call: checks => {
    const textIn = (check: Argument, field: string): string => fieldOf(check, field)?.data as string
    const found = elementsOf(checks)
    return makeString(statusOf(found.map(one => ({checkId: textIn(one, 'CheckID'), status: textIn(one, 'Status')}))))
  },
}
const checksType = namedType(
  'api.HealthChecks',
  sliceType(pointerType(checkType)),
  new Map([['AggregatedStatus', aggregatedStatus]]),
)
const weightsType = struct('api.AgentWeights', [
  ['Passing', intType],
  ['Warning', intType],
])

const serviceAddressType = struct('api.ServiceAddress', [
  ['Address', stringType],
  ['Port', intType],
])

const healthServiceType = struct('dependency.HealthService', [
  ['Node', stringType],
  ['NodeID', stringType],
  ['NodeAddress', stringType],
  ['NodeTaggedAddresses', textMap],
  ['NodeMeta', textMap],
  ['ServiceMeta', textMap],
  ['Address', stringType],
  ['ServiceTaggedAddresses', mapType(stringType, serviceAddressType)],
  ['ID', stringType],
  ['Name', stringType],
  ['Tags', tagsType],
  ['Checks', checksType],
  ['Status', stringType],
  ['Port', intType],
  ['Weights', weightsType],
])

const snippetType = struct('dependency.CatalogSnippet', [
  ['Name', stringType],
  ['Tags', tagsType],
])

const nodeType = struct('dependency.Node', [
  ['ID', stringType],
  ['Node', stringType],
  ['Address', stringType],
  ['Datacenter', stringType],
  ['TaggedAddresses', textMap],
  ['Meta', textMap],
])

const nodeServiceType = struct('dependency.CatalogNodeService', [
  ['ID', stringType],
  ['Service', stringType],
  ['Tags', tagsType],
  ['Meta', textMap],
  ['Port', intType],
  ['Address', stringType],
  ['EnableTagOverride', boolType],
])

const nodeServicesType = sliceType(pointerType(nodeServiceType))
const catalogNodeType = struct('dependency.CatalogNode', [
  ['Node', pointerType(nodeType)],
  ['Services', nodeServicesType],
])

/** The list types that the template functions for Consul's data return. */
export const pairsType = sliceType(pointerType(keyPairType))
export const healthServicesType = sliceType(pointerType(healthServiceType))
export const snippetsType = sliceType(pointerType(snippetType))
export const nodesType = sliceType(pointerType(nodeType))
export const pairPointerType = pointerType(keyPairType)

function pointer(type: GoType, fields: Readonly<Record<string, Argument>>): GoValue {
  return {type: pointerType(type), data: makeStruct(type, fields)}
}

function textMapOf(entries: Readonly<Record<string, string>>): GoValue {
  return makeMap(
    stringType,
    Object.entries(entries).map(([name, value]) => [name, makeString(value)] as const),
  )
}

function tagsOf(tags: readonly string[]): GoValue {
  return {type: tagsType, data: tags.toSorted(compareText).map(makeString)}
}

/**
 * A key pair, as consul-template calls a KV entry. `key` is the name of the entry relative to the prefix that was read.
 */
export function keyPair(entry: KvEntry, key: string): GoValue {
  return pointer(keyPairType, {
    Path: makeString(entry.key),
    Key: makeString(key),
    Value: makeString(decodeText(entry.value)),
    CreateIndex: makeInt(entry.createIndex, uint64Type),
    ModifyIndex: makeInt(entry.modifyIndex, uint64Type),
    LockIndex: makeInt(entry.lockIndex, uint64Type),
    Flags: makeInt(entry.flags, uint64Type),
    Session: makeString(entry.session ?? ''),
  })
}

/** A copy of a key pair with a different `.Key`, as `byKey` returns it. */
export function renamedPair(pair: GoValue, key: string): GoValue {
  const target = pair.data as GoValue
  const held = (target.data as readonly Argument[]).slice()
  held[1] = makeString(key)
  return {type: pair.type, data: {type: target.type, data: held}}
}

/** Returns a field of the struct that a pointer points to. */
export function fieldOf(value: Argument, name: string): Argument {
  const target = value?.type.kind === 'pointer' ? (value.data as GoValue) : value
  const at = (target?.type.fields ?? []).findIndex(field => field.name === name)
  return (target?.data as readonly Argument[] | undefined)?.[at]
}

/** Returns the worst state of the checks, as Consul's client aggregates them. */
export function statusOf(checks: readonly Pick<CheckInfo, 'checkId' | 'status'>[]): string {
  const isMaintenance = ({checkId}: Pick<CheckInfo, 'checkId'>): boolean =>
    checkId === '_node_maintenance' || checkId.startsWith('_service_maintenance:')
  if (checks.some(isMaintenance)) return 'maintenance'
  for (const status of ['critical', 'warning']) if (checks.some(check => check.status === status)) return status
  return 'passing'
}

/** An instance of a service. */
export function healthService(instance: ServiceInstance): GoValue {
  const {node} = instance
  return pointer(healthServiceType, {
    Node: makeString(node.node),
    NodeID: makeString(node.id),
    NodeAddress: makeString(node.address),
    NodeTaggedAddresses: textMapOf(node.taggedAddresses),
    NodeMeta: textMapOf(node.meta),
    ServiceMeta: textMapOf(instance.meta),
    Address: makeString(instance.address),
    ID: makeString(instance.serviceId),
    Name: makeString(instance.serviceName),
    Tags: tagsOf(instance.tags),
    Checks: {type: checksType, data: instance.checks.map(checkOf)},
    Status: makeString(statusOf(instance.checks)),
    Port: makeInt(instance.port),
    Weights: makeStruct(weightsType, {
      Passing: makeInt(instance.weights.passing),
      Warning: makeInt(instance.weights.warning),
    }),
  })
}

function checkOf(check: CheckInfo): GoValue {
  return pointer(checkType, {
    Node: makeString(check.node),
    CheckID: makeString(check.checkId),
    Name: makeString(check.name),
    Status: makeString(check.status),
    Output: makeString(check.output),
    ServiceID: makeString(check.serviceId),
    ServiceName: makeString(check.serviceName),
  })
}

/** A service of the catalog with its tags. */
export function catalogSnippet(name: string, tags: readonly string[]): GoValue {
  return pointer(snippetType, {Name: makeString(name), Tags: tagsOf(tags)})
}

/** A node of the catalog. */
export function catalogNode(node: NodeInfo): GoValue {
  return pointer(nodeType, {
    ID: makeString(node.id),
    Node: makeString(node.node),
    Address: makeString(node.address),
    Datacenter: makeString(node.datacenter),
    TaggedAddresses: textMapOf(node.taggedAddresses),
    Meta: textMapOf(node.meta),
  })
}

/** A node with its services, sorted by name. If the node does not exist, all fields are empty. */
export function nodeWithServices(found: NodeServices | undefined): GoValue {
  if (found === undefined) return pointer(catalogNodeType, {})
  const byName = (a: NodeService, b: NodeService): number =>
    compareText(a.service, b.service) || compareText(a.id, b.id)
  const services = found.services.toSorted(byName).map(service =>
    pointer(nodeServiceType, {
      ID: makeString(service.id),
      Service: makeString(service.service),
      Tags: tagsOf(service.tags),
      Meta: textMapOf(service.meta),
      Port: makeInt(service.port),
      Address: makeString(service.address),
      EnableTagOverride: makeBool(service.enableTagOverride),
    }),
  )
  return pointer(catalogNodeType, {
    Node: catalogNode(found.node),
    Services: {type: nodeServicesType, data: services},
  })
}
