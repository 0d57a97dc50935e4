import type {GoValue} from '../core/api/go-json.js'

/**
 * Converts Consul's answers to the form in which the Go tool prints them. The Go tool decodes an answer into structs
 * and encodes the structs again, which removes unknown fields, adds missing fields with their zero values, and puts
 * fields into the order of the structs.
 */
type Raw = Readonly<Record<string, unknown>>
export type GoObject = {readonly [name: string]: GoValue | undefined}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const wide = (value: unknown): bigint => (typeof value === 'bigint' ? value : 0n)
const whole = (value: unknown): number => (typeof value === 'number' ? value : 0)
const flag = (value: unknown): boolean => value === true
const object = (value: unknown): Raw => (typeof value === 'object' && value !== null ? (value as Raw) : {})

/** Go writes a nil slice as `null`, and an empty one as `[]`. */
const texts = (value: unknown): GoValue => (Array.isArray(value) ? value.map(text) : null)

/** Go sorts the keys of maps in byte order. */
const inOrder = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))

// Returns a map of texts. A value in it is a number if its name is that of one of Consul's 64-bit fields, such as
// `Flags`, because this library's parser converts every field with such a name.
const textMap = (value: unknown): GoValue =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .sort(inOrder)
          .map(([name, field]) => [name, String(field)]),
      )
    : null

const whenNotEmpty = (value: string): string | undefined => (value === '' ? undefined : value)

/** Returns free-form JSON with sorted maps. */
function anything(value: unknown): GoValue {
  if (Array.isArray(value)) return value.map(anything)
  if (typeof value !== 'object' || value === null) return value as GoValue
  return Object.fromEntries(
    Object.entries(value)
      .sort(inOrder)
      .map(([name, field]) => [name, anything(field)]),
  )
}

/** Returns undefined for Go's zero value, so that the field is left out. */
function unlessZero(value: unknown): GoValue | undefined {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return undefined
  if (typeof value === 'object' && Object.keys(value).length === 0) return undefined
  return anything(value)
}

export const goKvPair = (raw: Raw): GoObject => ({
  Key: text(raw['Key']),
  CreateIndex: wide(raw['CreateIndex']),
  ModifyIndex: wide(raw['ModifyIndex']),
  LockIndex: wide(raw['LockIndex']),
  Flags: wide(raw['Flags']),
  Value: typeof raw['Value'] === 'string' ? raw['Value'] : null,
  Session: text(raw['Session']),
  Namespace: whenNotEmpty(text(raw['Namespace'])),
})

export const goServices = (raw: Raw): GoObject =>
  Object.fromEntries(
    Object.entries(raw)
      .sort(inOrder)
      .map(([name, tags]) => [name, texts(tags)]),
  )

export const goNode = (raw: Raw): GoObject => ({
  ID: text(raw['ID']),
  Node: text(raw['Node']),
  Address: text(raw['Address']),
  Datacenter: text(raw['Datacenter']),
  TaggedAddresses: textMap(raw['TaggedAddresses']),
  Meta: textMap(raw['Meta']),
  CreateIndex: wide(raw['CreateIndex']),
  ModifyIndex: wide(raw['ModifyIndex']),
})

export const goCheck = (raw: Raw): GoObject => {
  const definition = object(raw['Definition'])
  return {
    Node: text(raw['Node']),
    CheckID: text(raw['CheckID']),
    Name: text(raw['Name']),
    Status: text(raw['Status']),
    Notes: text(raw['Notes']),
    Output: text(raw['Output']),
    ServiceID: text(raw['ServiceID']),
    ServiceName: text(raw['ServiceName']),
    ServiceTags: texts(raw['ServiceTags']),
    Type: text(raw['Type']),
    Namespace: whenNotEmpty(text(raw['Namespace'])),
    Definition: {
      Interval: whenNotEmpty(text(definition['Interval'])) ?? '0s',
      Timeout: whenNotEmpty(text(definition['Timeout'])) ?? '0s',
      DeregisterCriticalServiceAfter: whenNotEmpty(text(definition['DeregisterCriticalServiceAfter'])) ?? '0s',
      HTTP: text(definition['HTTP']),
      Header: definition['Header'] === undefined ? null : anything(definition['Header']),
      Method: text(definition['Method']),
      Body: text(definition['Body']),
      TLSSkipVerify: flag(definition['TLSSkipVerify']),
      TCP: text(definition['TCP']),
    },
    CreateIndex: wide(raw['CreateIndex']),
    ModifyIndex: wide(raw['ModifyIndex']),
  }
}

export const goHealthService = (raw: Raw): GoObject => ({
  Node: goNode(object(raw['Node'])),
  Service: goService(object(raw['Service'])),
  Checks: Array.isArray(raw['Checks']) ? raw['Checks'].map(check => goCheck(object(check))) : null,
})

const goService = (raw: Raw): GoObject => ({
  Kind: whenNotEmpty(text(raw['Kind'])),
  ID: text(raw['ID']),
  Service: text(raw['Service']),
  Tags: texts(raw['Tags']),
  Meta: textMap(raw['Meta']),
  Port: whole(raw['Port']),
  Address: text(raw['Address']),
  TaggedAddresses: unlessZero(raw['TaggedAddresses']) && goAddresses(object(raw['TaggedAddresses'])),
  Weights: {
    Passing: whole(object(raw['Weights'])['Passing']),
    Warning: whole(object(raw['Weights'])['Warning']),
  },
  EnableTagOverride: flag(raw['EnableTagOverride']),
  CreateIndex: wide(raw['CreateIndex']) === 0n ? undefined : wide(raw['CreateIndex']),
  ModifyIndex: wide(raw['ModifyIndex']) === 0n ? undefined : wide(raw['ModifyIndex']),
  Proxy: raw['Proxy'] === undefined || raw['Proxy'] === null ? undefined : goProxy(object(raw['Proxy'])),
  Connect: raw['Connect'] === undefined || raw['Connect'] === null ? undefined : goConnect(object(raw['Connect'])),
  Namespace: whenNotEmpty(text(raw['Namespace'])),
})

const goAddresses = (raw: Raw): GoObject =>
  Object.fromEntries(
    Object.entries(raw)
      .sort(inOrder)
      .map(([name, address]) => [
        name,
        {Address: text(object(address)['Address']), Port: whole(object(address)['Port'])},
      ]),
  )

const goProxy = (raw: Raw): GoObject => ({
  DestinationServiceName: unlessZero(raw['DestinationServiceName']),
  DestinationServiceID: unlessZero(raw['DestinationServiceID']),
  LocalServiceAddress: unlessZero(raw['LocalServiceAddress']),
  LocalServicePort: unlessZero(raw['LocalServicePort']),
  Config: unlessZero(raw['Config']),
  Upstreams: unlessZero(raw['Upstreams']),
  MeshGateway: {Mode: unlessZero(object(raw['MeshGateway'])['Mode'])},
  Expose: {
    Checks: unlessZero(object(raw['Expose'])['Checks']),
    Paths: unlessZero(object(raw['Expose'])['Paths']),
  },
})

const goConnect = (raw: Raw): GoObject => ({
  Native: unlessZero(raw['Native']),
  SidecarService: unlessZero(raw['SidecarService']),
})

export const goEvent = (raw: Raw): GoObject => ({
  ID: text(raw['ID']),
  Name: text(raw['Name']),
  Payload: typeof raw['Payload'] === 'string' ? raw['Payload'] : null,
  NodeFilter: text(raw['NodeFilter']),
  ServiceFilter: text(raw['ServiceFilter']),
  TagFilter: text(raw['TagFilter']),
  Version: whole(raw['Version']),
  LTime: wide(raw['LTime']),
})
