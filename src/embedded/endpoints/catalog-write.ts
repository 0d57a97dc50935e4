import type {Datacenter} from '../datacenter.js'
import type {Decoded, Fields} from '../go/decode.js'
import {formatGoDuration} from '../go/duration.js'
import type {Printable} from '../go/json-print.js'
import type {Call} from '../http/call.js'
import {jsonReply, type Reply, RpcError} from '../http/reply.js'
import type {Batch} from '../store/batch.js'
import type {CheckRow, NodeRow, ServiceRow} from '../store/catalog-rows.js'
import {decodeBody} from './body.js'

const weightFields: Fields = {Passing: 'int', Warning: 'int'}
const definitionFields: Fields = {
  HTTP: 'string',
  TLSServerName: 'string',
  TLSSkipVerify: 'bool',
  Header: 'any',
  Method: 'string',
  Body: 'string',
  TCP: 'string',
  Interval: 'duration',
  IntervalDuration: 'duration',
  OutputMaxSize: 'uint64',
  Timeout: 'duration',
  TimeoutDuration: 'duration',
  DeregisterCriticalServiceAfter: 'duration',
  DeregisterCriticalServiceAfterDuration: 'duration',
  ScriptArgs: 'strings',
  DockerContainerID: 'string',
  Shell: 'string',
  GRPC: 'string',
  GRPCUseTLS: 'bool',
  AliasNode: 'string',
  AliasService: 'string',
  TTL: 'duration',
}
export const nodeFields: Fields = {
  ID: 'string',
  Node: 'string',
  Address: 'string',
  Datacenter: 'string',
  TaggedAddresses: 'map',
  Meta: 'map',
  CreateIndex: 'uint64',
  ModifyIndex: 'uint64',
}
export const serviceFields: Fields = {
  Kind: 'string',
  ID: 'string',
  Service: 'string',
  Tags: 'strings',
  Address: 'string',
  TaggedAddresses: 'any',
  Meta: 'map',
  Port: 'int',
  Weights: {object: weightFields},
  EnableTagOverride: 'bool',
  Proxy: 'any',
  Connect: 'any',
  LocallyRegisteredAsSidecar: 'any',
  CreateIndex: 'uint64',
  ModifyIndex: 'uint64',
}
export const checkFields: Fields = {
  Node: 'string',
  CheckID: 'string',
  Name: 'string',
  Status: 'string',
  Notes: 'string',
  Output: 'string',
  ServiceID: 'string',
  ServiceName: 'string',
  ServiceTags: 'strings',
  Type: 'string',
  Definition: {object: definitionFields},
  CreateIndex: 'uint64',
  ModifyIndex: 'uint64',
}
const registerFields: Fields = {
  Datacenter: 'string',
  ID: 'string',
  Node: 'string',
  Address: 'string',
  TaggedAddresses: 'map',
  NodeMeta: 'map',
  Service: {object: serviceFields},
  Check: {object: checkFields},
  Checks: {list: checkFields},
  SkipNodeUpdate: 'bool',
  WriteRequest: 'any',
}
const deregisterFields: Fields = {
  Datacenter: 'string',
  Node: 'string',
  ServiceID: 'string',
  CheckID: 'string',
  WriteRequest: 'any',
}

type Draft<T> = Omit<T, 'createIndex' | 'modifyIndex'>
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function checkNodeId(id: string): void {
  if (id === '') return
  if (id.length !== 36) throw new RpcError('Bad node ID: uuid string is wrong length')
  if (!uuid.test(id)) throw new RpcError('Bad node ID: uuid is improperly formatted')
}

const anyAddress = new Set(['0.0.0.0', '::', '[::]'])

/** The service that a body describes; its ID defaults to its name. */
export function serviceDraft(node: string, body: Decoded): Draft<ServiceRow> {
  const weights = body.object('Weights')
  const tagged = body.any('TaggedAddresses')
  return {
    node,
    id: body.string('ID') || body.string('Service'),
    name: body.string('Service'),
    kind: body.string('Kind'),
    tags: body.strings('Tags'),
    address: body.string('Address'),
    taggedAddresses: tagged instanceof Map ? taggedAddresses(tagged) : undefined,
    meta: body.map('Meta'),
    port: body.int('Port'),
    weights: weights ? {passing: weights.int('Passing'), warning: weights.int('Warning')} : {passing: 1, warning: 1},
    enableTagOverride: body.bool('EnableTagOverride'),
  }
}

function taggedAddresses(given: ReadonlyMap<string, unknown>): ServiceRow['taggedAddresses'] {
  return new Map(
    [...given].map(([name, value]) => {
      const at = value instanceof Map ? (value as Map<string, unknown>) : new Map<string, unknown>()
      const field = (wanted: string): unknown => [...at].find(([key]) => key.toLowerCase() === wanted)?.[1]
      const [address, port] = [field('address'), field('port')]
      return [name, {address: typeof address === 'string' ? address : '', port: typeof port === 'number' ? port : 0}]
    }),
  )
}

const durations = ['Interval', 'Timeout', 'DeregisterCriticalServiceAfter'] as const

function printDefinition(body: Decoded | undefined): Map<string, Printable> {
  const printed = new Map<string, Printable>()
  if (!body) return printed
  for (const name of ['HTTP', 'Method', 'Body', 'TCP', 'AliasNode', 'AliasService', 'GRPC'] as const) {
    if (body.string(name) !== '') printed.set(name, body.string(name))
  }
  if (body.bool('TLSSkipVerify')) printed.set('TLSSkipVerify', true)
  for (const name of durations) {
    const ns = body.duration(name) || body.duration(`${name}Duration`)
    if (ns !== 0) printed.set(name, formatGoDuration(ns))
  }
  return printed
}

export const checkDraft = (node: string, body: Decoded): Draft<CheckRow> => ({
  node,
  id: body.string('CheckID') || body.string('Name'),
  name: body.string('Name'),
  status: body.string('Status') || 'critical',
  notes: body.string('Notes'),
  output: body.string('Output'),
  serviceId: body.string('ServiceID'),
  serviceName: body.string('ServiceName'),
  serviceTags: body.strings('ServiceTags'),
  type: body.string('Type'),
  definition: printDefinition(body.object('Definition')),
})

export async function register(call: Call): Promise<Reply> {
  const body = await decodeBody(call, registerFields)
  call.checkNamespace()
  const target = call.target(body.string('Datacenter'))
  await call.rpc(target, () => {
    const service = body.object('Service')?.string('Service') ?? ''
    call.demand('node', body.string('Node'), 'write')
    if (service !== '') call.demand('service', service, 'write')
    applyRegister(target, body)
  })
  return jsonReply(true)
}

function applyRegister(target: Datacenter, body: Decoded): void {
  const name = body.string('Node')
  const service = body.object('Service')
  const checks = [...(body.list('Checks') ?? [])]
  const single = body.object('Check')
  if (single) checks.push(single)
  if (name === '') throw new RpcError('Must provide node')
  if (body.string('Address') === '' && !body.bool('SkipNodeUpdate')) {
    throw new RpcError('Must provide address if SkipNodeUpdate is not set')
  }
  checkNodeId(body.string('ID'))
  if (service) {
    if (service.string('ID') !== '' && service.string('Service') === '') {
      throw new RpcError('Must provide service name with ID')
    }
    if (anyAddress.has(service.string('Address'))) throw new RpcError('Invalid service address')
  }
  target.state.write(batch => {
    registerNode(batch, target, body)
    if (service) {
      const draft = serviceDraft(name, service)
      if (draft.id === '') {
        throw new RpcError('failed inserting service: failed inserting service: object missing primary index')
      }
      target.state.catalog.putService(batch, draft)
    }
    for (const check of checks) registerCheck(batch, target, name, check)
  })
}

function registerNode(batch: Batch, target: Datacenter, body: Decoded): void {
  const {catalog} = target.state
  const name = body.string('Node')
  if (body.bool('SkipNodeUpdate') && catalog.node(name)) return
  const draft: Draft<NodeRow> = {
    id: body.string('ID').toLowerCase(),
    name,
    address: body.string('Address'),
    datacenter: target.name,
    taggedAddresses: body.map('TaggedAddresses'),
    meta: body.map('NodeMeta'),
  }
  catalog.putNode(batch, draft)
}

function registerCheck(batch: Batch, target: Datacenter, node: string, body: Decoded): void {
  const {state} = target
  const other = body.string('Node')
  if (other !== '' && other.toLowerCase() !== node.toLowerCase()) {
    throw new RpcError(`check node ${JSON.stringify(other)} does not match node ${JSON.stringify(node)}`)
  }
  const draft = checkDraft(node, body)
  if (draft.id === '')
    throw new RpcError('failed inserting check: failed inserting check: object missing primary index')
  if (draft.serviceId === '') return void state.putCheck(batch, draft)
  const service = state.catalog.service(node, draft.serviceId)
  if (!service) {
    throw new RpcError(`failed inserting check: Missing service registration on node ${JSON.stringify(node)}`)
  }
  state.putCheck(batch, {...draft, serviceName: service.name, serviceTags: service.tags})
}

export async function deregister(call: Call): Promise<Reply> {
  const body = await decodeBody(call, deregisterFields)
  call.checkNamespace()
  const target = call.target(body.string('Datacenter'))
  await call.rpc(target, ({state}) => {
    const name = body.string('Node')
    if (name === '') throw new RpcError('Must provide node')
    const named = state.catalog.service(name, body.string('ServiceID'))
    if (named) call.demand('service', named.name, 'write')
    else call.demand('node', name, 'write')
    state.write(batch => {
      const [service, check] = [body.string('ServiceID'), body.string('CheckID')]
      if (service !== '') {
        const row = state.catalog.service(name, service)
        if (row) state.removeService(batch, row)
      } else if (check !== '') {
        const row = state.catalog.check(name, check)
        if (row) state.removeCheck(batch, row)
      } else {
        const row = state.catalog.node(name)
        if (row) state.removeNode(batch, row)
      }
    })
  })
  return jsonReply(true)
}
