import {type AclStore, anonymousId, type TokenRow} from '../acl/store.js'
import type {Decoded} from '../go/decode.js'
import type {Printable} from '../go/json-print.js'
import {metaHeaders} from '../http/blocking.js'
import type {Call} from '../http/call.js'
import {emptyReply, jsonReply, type Reply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import {badRequest, HttpError, RpcError} from '../refusals.js'
import {uuidError} from '../uuid.js'
import {aclNotFound, aclStore, checkReadId, demandAcl, hashOf} from './acl.js'
import {decodeToken, expiryOf, nodeIdentitiesOf, policiesOf, serviceIdentitiesOf} from './acl-token-body.js'
import {decodeBody} from './body.js'

const orNone = <T>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined)
const timeOf = (ms: number): string => new Date(ms).toISOString()

function grantsOf(store: AclStore, row: TokenRow): {readonly [name: string]: Printable} {
  const policies = row.policies.flatMap(id => {
    const policy = store.policies.get(id)
    return policy ? [{ID: id, Name: policy.name}] : []
  })
  const services = row.serviceIdentities.map(({name, datacenters}) => ({
    ServiceName: name,
    Datacenters: orNone(datacenters ?? []),
  }))
  const nodes = row.nodeIdentities.map(({name, datacenter}) => ({NodeName: name, Datacenter: datacenter}))
  return {Policies: orNone(policies), ServiceIdentities: orNone(services), NodeIdentities: orNone(nodes)}
}

function print(store: AclStore, row: TokenRow, isListed = false): Printable {
  const grants = grantsOf(store, row)
  return {
    AccessorID: row.accessorId,
    SecretID: isListed ? undefined : row.secretId,
    Description: row.description,
    ...grants,
    Local: row.local,
    ExpirationTime: row.expiresMs === undefined ? undefined : timeOf(row.expiresMs),
    CreateTime: timeOf(row.createdMs),
    Hash: hashOf([row.description, grants, row.local]),
    CreateIndex: row.createIndex,
    ModifyIndex: row.modifyIndex,
  }
}

function self(call: Call): Reply {
  const store = aclStore(call)
  const row = store.token(call.token)
  if (!row || call.token === '') throw aclNotFound(store)
  return jsonReply(print(store, row), metaHeaders(store.index))
}

function list(call: Call): Reply {
  const store = demandAcl(call, 'read')
  const [policy, role, method] = ['policy', 'role', 'authmethod'].map(name => call.query.get(name))
  const rows = role || method ? [] : store.tokens().filter(row => !policy || row.policies.includes(policy))
  return jsonReply(
    rows.map(row => print(store, row, true)),
    metaHeaders(store.index),
  )
}

const refuse = (why: string): never => {
  throw new RpcError(why)
}

/** Returns the changes to an existing token that a request body describes. */
const contentsOf = (store: AclStore, body: Decoded) => ({
  description: body.string('Description'),
  policies: policiesOf(store, body),
  serviceIdentities: serviceIdentitiesOf(body),
  nodeIdentities: nodeIdentitiesOf(body),
})

async function create(call: Call): Promise<Reply> {
  const store = demandAcl(call, 'write')
  const body = await decodeToken(call)
  const [accessorId, secretId] = [body.string('AccessorID'), body.string('SecretID')]
  if (accessorId !== '') {
    checkAccessor(accessorId)
    if (store.tokenByAccessor(accessorId)) refuse('Invalid Token: AccessorID is already in use')
  }
  if (secretId !== '') {
    if (uuidError(secretId) !== undefined) refuse('Invalid Token: SecretID is not a valid UUID')
    if (store.token(secretId)) refuse('Invalid Token: SecretID is already in use')
  }
  refuseForeign(body)
  const nowMs = call.cluster.clock.wallMs()
  const expiresMs = expiryOf(body, nowMs)
  const draft = {
    ...contentsOf(store, body),
    accessorId,
    secretId,
    local: body.bool('Local'),
    createdMs: nowMs,
    expiresMs,
  }
  return jsonReply(print(store, store.putToken(draft)))
}

function refuseForeign(body: Decoded): void {
  if (body.string('AuthMethod') !== '') refuse('AuthMethod field is disallowed outside of Login')
  if (body.string('Rules') !== '') refuse('Rules cannot be specified for this token')
}

async function update(call: Call, store: AclStore, id: string): Promise<Reply> {
  const body = await decodeToken(call)
  const [given, secretId] = [body.string('AccessorID'), body.string('SecretID')]
  if (given !== '' && given !== id) {
    throw badRequest('Bad request: Token Accessor ID in URL and payload do not match')
  }
  checkAccessor(id)
  const row = store.tokenByAccessor(id) ?? refuse(`Cannot find token ${JSON.stringify(id)}`)
  if (secretId !== '' && secretId !== row.secretId) refuse('Changing a tokens SecretID is not permitted')
  if (body.bool('Local') !== row.local) refuse(`cannot toggle local mode of ${id}`)
  refuseForeign(body)
  return jsonReply(print(store, store.putToken({...row, ...contentsOf(store, body)})))
}

async function clone(call: Call, store: AclStore, id: string): Promise<Reply> {
  const body = await decodeToken(call)
  const wrong = uuidError(id)
  if (wrong !== undefined) refuse(`failed acl token lookup: ${wrong}`)
  const row = store.tokenByAccessor(id) ?? refuse('ACL not found')
  const description = body.string('Description') || row.description
  const createdMs = call.cluster.clock.wallMs()
  return jsonReply(print(store, store.putToken({...row, accessorId: '', secretId: '', description, createdMs})))
}

function checkAccessor(id: string): void {
  const wrong = uuidError(id)
  if (wrong !== undefined) refuse(`Failed acl token lookup by accessor: failed acl token lookup: ${wrong}`)
}

function remove(store: AclStore, id: string): Reply {
  if (uuidError(id) !== undefined) refuse('Accessor ID is missing or an invalid UUID')
  if (id === anonymousId) refuse('Delete operation not permitted on the anonymous token')
  store.deleteToken(id)
  return jsonReply(true)
}

function read(store: AclStore, id: string): Reply {
  checkReadId(id, 'token')
  const row = store.tokenByAccessor(id)
  if (!row) throw aclNotFound(store)
  return jsonReply(print(store, row), metaHeaders(store.index))
}

function one(call: Call): Reply | Promise<Reply> {
  const store = demandAcl(call, call.method === 'GET' ? 'read' : 'write')
  const id = call.name
  if (id === '' && call.method !== 'PUT') throw badRequest('Bad request: Missing token ID')
  if (call.method === 'GET') return read(store, id)
  if (call.method === 'DELETE') return remove(store, id)
  if (id.endsWith('/clone')) return clone(call, store, id.replace(/\/clone$/, ''))
  return id === '' ? create(call) : update(call, store, id)
}

/**
 * The tokens that an agent uses for itself, by their names in the request path, which may be current or older names.
 */
const agentTokens: ReadonlyMap<string, string> = new Map([
  ['acl_token', 'default'],
  ['acl_agent_token', 'agent'],
  ['acl_agent_master_token', 'agent_master'],
  ['acl_replication_token', 'replication'],
  ...['default', 'agent', 'agent_master', 'replication'].map((name): [string, string] => [name, name]),
])

/**
 * Sets a token that the agent uses for itself. Only the default token has an effect: the agent uses it for requests
 * without a token.
 */
async function setAgentToken(call: Call): Promise<Reply> {
  aclStore(call)
  call.demand('agent', call.agent.node, 'write')
  const body = await decodeBody(call, {Token: 'string'})
  const name = agentTokens.get(call.name)
  if (name === undefined) throw new HttpError(404, `Token ${JSON.stringify(call.name)} is unknown`)
  if (name === 'default') call.agent.defaultToken = body.string('Token')
  return emptyReply()
}

export const aclTokenRoutes: readonly Route[] = [
  get('/v1/acl/tokens', list),
  put('/v1/acl/token', create),
  get('/v1/acl/token/self', self),
  {path: '/v1/acl/token/', methods: ['GET', 'PUT', 'DELETE'], handle: one},
  put('/v1/agent/token/', setAgentToken),
]
