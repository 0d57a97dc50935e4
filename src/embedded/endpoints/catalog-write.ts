import type {Datacenter} from '../datacenter.js'
import type {Decoded, Fields} from '../go/decode.js'
import type {Call} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import {RpcError} from '../refusals.js'
import type {Batch} from '../store/batch.js'
import {type NodeRow, type ServiceRow, sameRow} from '../store/catalog-rows.js'
import {decodeBody} from './body.js'
import {checkFields, registeredCheck} from './check-body.js'
import {connectFields, refuseConnect} from './unserved.js'

const weightFields: Fields = {Passing: 'int', Warning: 'int'}
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
  TaggedAddresses: {mapOf: {Address: 'string', Port: 'int'}},
  Meta: 'map',
  Port: 'int',
  Weights: {object: weightFields},
  EnableTagOverride: 'bool',
  ...connectFields,
  LocallyRegisteredAsSidecar: 'any',
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
  Token: 'string',
}
const deregisterFields: Fields = {
  Datacenter: 'string',
  Node: 'string',
  Address: 'string',
  ServiceID: 'string',
  CheckID: 'string',
  Token: 'string',
}

type Draft<T> = Omit<T, 'createIndex' | 'modifyIndex'>
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Returns the reason why a node's ID is refused; undefined if it is valid or absent. */
export function nodeIdError(id: string): string | undefined {
  if (id === '' || uuid.test(id)) return undefined
  return id.length === 36 ? 'uuid is improperly formatted' : 'uuid string is wrong length'
}

export function checkNodeId(id: string): void {
  const malformed = nodeIdError(id)
  if (malformed !== undefined) throw new RpcError(`Bad node ID: ${malformed}`)
}

const anyAddress = new Set(['0.0.0.0', '::', '[::]'])

/** Throws for an invalid service. */
export function checkService(service: Decoded): void {
  if (service.string('ID') !== '' && service.string('Service') === '') {
    throw new RpcError('Must provide service name with ID')
  }
  if (anyAddress.has(service.string('Address'))) throw new RpcError('Invalid service address')
}

function taggedAddresses(body: Decoded): ServiceRow['taggedAddresses'] {
  const given = body.objects('TaggedAddresses')
  return given && new Map([...given].map(([name, at]) => [name, {address: at.string('Address'), port: at.int('Port')}]))
}

/**
 * Returns the reason why weights are invalid. The agent's endpoints refuse such weights, but those of the catalog
 * ignore them.
 */
export function weightsError({passing, warning}: ServiceRow['weights']): string | undefined {
  if (passing < 1) return 'Passing must be greater than 0'
  if (warning < 0) return 'Warning must be greater or equal than 0'
  return passing > 65535 || warning > 65535 ? 'DNS Weight must be between 0 and 65535' : undefined
}

export const givenWeights = (body: Decoded): ServiceRow['weights'] => ({
  passing: body.int('Passing'),
  warning: body.int('Warning'),
})

function weightsOf(body: Decoded): ServiceRow['weights'] {
  const given = body.object('Weights')
  const weights = given && givenWeights(given)
  return weights && weightsError(weights) === undefined ? weights : {passing: 1, warning: 1}
}

/** Returns the service that a body describes. Its ID defaults to its name. */
export function serviceDraft(node: string, body: Decoded): Draft<ServiceRow> {
  return {
    node,
    id: body.string('ID') || body.string('Service'),
    name: body.string('Service'),
    kind: body.string('Kind'),
    tags: body.strings('Tags'),
    address: body.string('Address'),
    taggedAddresses: taggedAddresses(body),
    meta: body.map('Meta'),
    port: body.int('Port'),
    weights: weightsOf(body),
    enableTagOverride: body.bool('EnableTagOverride'),
  }
}

export async function register(call: Call): Promise<Reply> {
  const body = await decodeBody(call, registerFields)
  call.checkNamespace()
  const declared = body.object('Service')
  if (declared) refuseConnect(call, declared)
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
  checkNodeId(body.string('ID'))
  if (body.string('Address') === '' && !body.bool('SkipNodeUpdate')) {
    throw new RpcError('Must provide address if SkipNodeUpdate is not set')
  }
  if (service) checkService(service)
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
  const {state} = target
  const name = body.string('Node')
  const known = state.catalog.node(name)
  if (body.bool('SkipNodeUpdate') && known) return
  const draft: Draft<NodeRow> = {
    id: body.string('ID').toLowerCase(),
    name,
    address: body.string('Address'),
    datacenter: target.name,
    taggedAddresses: body.map('TaggedAddresses'),
    meta: body.map('NodeMeta'),
  }
  if (known && sameRow(known, draft)) return
  const wrong = state.takenNameError(draft)
  if (wrong !== undefined) throw new RpcError(`failed inserting node: ${wrong}`)
  state.putNode(batch, draft)
}

function registerCheck(batch: Batch, target: Datacenter, node: string, body: Decoded): void {
  const {state} = target
  const other = body.string('Node')
  if (other !== '' && other !== node) {
    throw new RpcError(`check node ${JSON.stringify(other)} does not match node ${JSON.stringify(node)}`)
  }
  const draft = registeredCheck(node, body)
  const refuse = (why: string): never => {
    throw new RpcError(`failed inserting check: ${why} on node ${JSON.stringify(node)}`)
  }
  const service = state.catalog.service(node, draft.serviceId)
  if (draft.serviceId !== '' && !service) refuse('Missing service registration')
  if (draft.id === '') refuse('failed inserting check: object missing primary index')
  state.putCheck(batch, service ? {...draft, serviceName: service.name, serviceTags: service.tags} : draft)
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
