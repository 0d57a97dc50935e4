import {RuleError} from '../acl/rules.js'
import type {AclStore, PolicyRow, TokenRow} from '../acl/store.js'
import type {Decoded, Fields} from '../go/decode.js'
import type {Printable} from '../go/json-print.js'
import {metaHeaders} from '../http/blocking.js'
import type {Call} from '../http/call.js'
import {emptyReply, HttpError, jsonReply, permissionDenied, type Reply, RpcError} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import {decodeBody} from './body.js'

const policyFields: Fields = {
  ID: 'string',
  Name: 'string',
  Description: 'string',
  Rules: 'string',
  Datacenters: 'strings',
}
const link: Fields = {ID: 'string', Name: 'string'}
const tokenFields: Fields = {
  AccessorID: 'string',
  SecretID: 'string',
  Description: 'string',
  Policies: {list: link},
  Roles: {list: link},
  ServiceIdentities: 'any',
  NodeIdentities: 'any',
  Local: 'bool',
  ExpirationTTL: 'duration',
}

const storeOf = (call: Call): AclStore => {
  const {acl} = call.cluster
  if (!acl) throw new HttpError(401, 'ACL support disabled')
  return acl
}

function demand(call: Call, access: 'read' | 'write'): AclStore {
  const store = storeOf(call)
  if (!call.may.canScalar('acl', access)) throw permissionDenied()
  return store
}

const printPolicy = (row: PolicyRow, withRules = true): Printable => ({
  ID: row.id,
  Name: row.name,
  Description: row.description,
  Rules: withRules ? row.text : undefined,
  Datacenters: withRules ? undefined : null,
  Hash: '',
  CreateIndex: row.createIndex,
  ModifyIndex: row.modifyIndex,
})

const printToken = (store: AclStore, row: TokenRow, withSecret = true): Printable => ({
  AccessorID: row.accessorId,
  SecretID: withSecret ? row.secretId : undefined,
  Description: row.description,
  Policies:
    row.policies.length > 0 ? row.policies.map(id => ({ID: id, Name: store.policies.get(id)?.name ?? ''})) : undefined,
  Local: row.local,
  CreateTime: new Date(row.createdMs).toISOString(),
  Hash: '',
  CreateIndex: row.createIndex,
  ModifyIndex: row.modifyIndex,
})

const notFound = (store: AclStore): HttpError => new HttpError(403, 'ACL not found', metaHeaders(store.index))

function self(call: Call): Reply {
  const store = storeOf(call)
  const row = store.token(call.token)
  if (!row || call.token === '') throw notFound(store)
  return jsonReply(printToken(store, row), metaHeaders(store.index))
}

const tokens = (call: Call): Reply => {
  const store = demand(call, 'read')
  const rows = [...store.tokens.values()].sort((a, b) => (a.accessorId < b.accessorId ? -1 : 1))
  return jsonReply(
    rows.map(row => printToken(store, row, false)),
    metaHeaders(store.index),
  )
}

const policies = (call: Call): Reply => {
  const store = demand(call, 'read')
  const rows = [...store.policies.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  return jsonReply(
    rows.map(row => printPolicy(row, false)),
    metaHeaders(store.index),
  )
}

function writeToken(call: Call, store: AclStore, body: Decoded, accessorId: string): Reply {
  const policies = (body.list('Policies') ?? []).map(given => {
    const name = given.string('Name')
    const row = store.policies.get(given.string('ID')) ?? store.policyByName(name)
    if (!row) throw new RpcError(`No such ACL policy with name ${JSON.stringify(name)}`)
    return row.id
  })
  const row = store.putToken({
    accessorId,
    secretId: body.string('SecretID'),
    description: body.string('Description'),
    policies,
    local: body.bool('Local'),
    createdMs: call.cluster.clock.wallMs(),
  })
  return jsonReply(printToken(store, row))
}

function writePolicy(store: AclStore, body: Decoded, id: string): Reply {
  const name = body.string('Name')
  if (name === '') throw new RpcError('Invalid Policy: no Name is set')
  const other = store.policyByName(name)
  if (other && other.id !== id) {
    throw new RpcError(`Invalid Policy: A Policy with Name ${JSON.stringify(name)} already exists`)
  }
  try {
    const row = store.putPolicy({id, name, description: body.string('Description'), text: body.string('Rules')})
    return jsonReply(printPolicy(row))
  } catch (error) {
    if (error instanceof RuleError) throw new RpcError(error.message)
    throw error
  }
}

async function createToken(call: Call): Promise<Reply> {
  const store = demand(call, 'write')
  const body = await decodeBody(call, tokenFields)
  return writeToken(call, store, body, body.string('AccessorID'))
}

async function createPolicy(call: Call): Promise<Reply> {
  const store = demand(call, 'write')
  return writePolicy(store, await decodeBody(call, policyFields), '')
}

async function oneToken(call: Call): Promise<Reply> {
  const store = demand(call, call.method === 'GET' ? 'read' : 'write')
  const id = call.name
  if (call.method === 'DELETE') {
    store.deleteToken(id)
    return jsonReply(true)
  }
  const row = store.tokens.get(id)
  if (!row) throw notFound(store)
  if (call.method === 'GET') return jsonReply(printToken(store, row), metaHeaders(store.index))
  return writeToken(call, store, await decodeBody(call, tokenFields), id)
}

async function onePolicy(call: Call): Promise<Reply> {
  const store = demand(call, call.method === 'GET' ? 'read' : 'write')
  const id = call.name
  if (call.method === 'DELETE') {
    store.deletePolicy(id)
    return jsonReply(true)
  }
  const row = store.policies.get(id)
  if (!row) throw notFound(store)
  if (call.method === 'GET') return jsonReply(printPolicy(row), metaHeaders(store.index))
  return writePolicy(store, await decodeBody(call, policyFields), id)
}

function policyByName(call: Call): Reply {
  const store = demand(call, 'read')
  const row = store.policyByName(call.name)
  if (!row) throw notFound(store)
  return jsonReply(printPolicy(row), metaHeaders(store.index))
}

function bootstrap(call: Call): Reply {
  storeOf(call)
  throw new RpcError('Permission denied: ACL bootstrap no longer allowed (reset index: 5)')
}

/** The parts that are not imitated: nothing is there. */
function unknown(call: Call): Reply {
  storeOf(call)
  return emptyReply(404)
}

const all = ['GET', 'PUT', 'DELETE']

export const aclRoutes: readonly Route[] = [
  put('/v1/acl/bootstrap', bootstrap),
  get('/v1/acl/tokens', tokens),
  get('/v1/acl/policies', policies),
  put('/v1/acl/token', createToken),
  put('/v1/acl/policy', createPolicy),
  get('/v1/acl/token/self', self),
  get('/v1/acl/policy/name/', policyByName),
  {path: '/v1/acl/token/', methods: all, handle: oneToken},
  {path: '/v1/acl/policy/', methods: all, handle: onePolicy},
  {path: '/v1/acl/', methods: all, handle: unknown},
  put('/v1/agent/token/', call => {
    demand(call, 'write')
    return emptyReply()
  }),
]
