import type {Operator} from './expression.js'

/**
 * Kinds of values that a filter can test. A map may have entries with any name, all of the same
 * kind.
 */
export type Field =
  | {readonly kind: 'string' | 'bool' | 'int' | 'strings'}
  | {readonly kind: 'map'; readonly of: Field}
  | {readonly kind: 'object' | 'objects'; readonly fields: Fields}
export type Fields = Readonly<Record<string, Field>>

const [string, bool, int, strings] = (['string', 'bool', 'int', 'strings'] as const).map(kind => ({kind})) as [
  Field,
  Field,
  Field,
  Field,
]
const map = (of: Field): Field => ({kind: 'map', of})
const object = (fields: Fields): Field => ({kind: 'object', fields})

const address = object({Address: string, Port: int})
const weights = object({Passing: int, Warning: int})
const gateway = object({Mode: string})
const upstream: Fields = {
  DestinationType: string,
  DestinationName: string,
  DestinationNamespace: string,
  Datacenter: string,
  LocalBindAddress: string,
  LocalBindPort: int,
  MeshGateway: gateway,
}
const proxy = object({
  DestinationServiceName: string,
  DestinationServiceID: string,
  LocalServiceAddress: string,
  LocalServicePort: int,
  Upstreams: {kind: 'objects', fields: upstream},
  MeshGateway: gateway,
})
const connect = object({Native: bool})

const node: Fields = {
  ID: string,
  Node: string,
  Address: string,
  Datacenter: string,
  TaggedAddresses: map(string),
  Meta: map(string),
}
const service: Fields = {
  Kind: string,
  ID: string,
  Service: string,
  Tags: strings,
  Address: string,
  TaggedAddresses: map(address),
  Meta: map(string),
  Port: int,
  Weights: weights,
  EnableTagOverride: bool,
  Proxy: proxy,
  Connect: connect,
}
const {Meta: nodeMeta, ...nodeHead} = node as Record<'Meta', Field> & Fields
const {ID, Service, ...serviceTail} = service as Record<'ID' | 'Service', Field> & Fields
const serviceNode: Fields = {
  ...nodeHead,
  NodeMeta: nodeMeta,
  ServiceID: ID,
  ServiceName: Service,
  ...Object.fromEntries(Object.entries(serviceTail).map(([name, field]) => [`Service${name}`, field])),
}
const check: Fields = {
  Node: string,
  CheckID: string,
  Name: string,
  Status: string,
  Notes: string,
  Output: string,
  ServiceID: string,
  ServiceName: string,
  ServiceTags: strings,
  Type: string,
}

/** The fields that `?filter=` can test, by the kind of row. */
export const rowFields = {
  node,
  service,
  serviceNode,
  check,
  health: {Node: object(node), Service: object(service), Checks: {kind: 'objects', fields: check}},
} as const satisfies Readonly<Record<string, Fields>>

const equality: readonly Operator[] = ['Equal', 'Not Equal']
const membership: readonly Operator[] = ['In', 'Not In']
const emptiness: readonly Operator[] = ['Is Empty', 'Is Not Empty']

/** The operators that each kind of value supports. */
export const operatorsOf: Readonly<Record<Field['kind'], readonly Operator[]>> = {
  string: [...equality, ...membership, 'Matches', 'Not Matches'],
  bool: equality,
  int: equality,
  strings: [...membership, ...emptiness],
  map: [...membership, ...emptiness],
  object: [],
  objects: emptiness,
}
