import {RuleError} from '../acl/rules.js'
import {type AclStore, managementPolicyId, type PolicyRow} from '../acl/store.js'
import type {Decoded, Fields} from '../go/decode.js'
import type {Printable} from '../go/json-print.js'
import {metaHeaders} from '../http/blocking.js'
import type {Call} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import {badRequest, RpcError} from '../refusals.js'
import {uuidError} from '../uuid.js'
import {aclNotFound, checkReadId, demandAcl, hashOf} from './acl.js'
import {decodeBody} from './body.js'

const fields: Fields = {
  ID: 'string',
  Name: 'string',
  Description: 'string',
  Rules: 'string',
  Datacenters: 'strings',
  Hash: 'string',
  CreateIndex: 'uint64',
  ModifyIndex: 'uint64',
}
const decode = (call: Call): Promise<Decoded> => decodeBody(call, fields, 'Bad request: Policy decoding failed')

function print(row: PolicyRow, isListed = false): Printable {
  const datacenters = row.datacenters?.length ? row.datacenters : undefined
  return {
    ID: row.id,
    Name: row.name,
    Description: row.description,
    Rules: isListed ? undefined : row.text,
    Datacenters: datacenters ?? (isListed ? null : undefined),
    Hash: hashOf([row.name, row.description, row.text, datacenters ?? null]),
    CreateIndex: row.createIndex,
    ModifyIndex: row.modifyIndex,
  }
}

function list(call: Call): Reply {
  const store = demandAcl(call, 'read')
  const rows = [...store.policies.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  return jsonReply(
    rows.map(row => print(row, true)),
    metaHeaders(store.index),
  )
}

const refuse = (why: string): never => {
  throw new RpcError(`Invalid Policy: ${why}`)
}

function write(store: AclStore, body: Decoded, id: string): Reply {
  const [name, text] = [body.string('Name'), body.string('Rules')]
  if (name === '') refuse('no Name is set')
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(name)) {
    refuse("invalid Name. Only alphanumeric characters, '-' and '_' are allowed")
  }
  const other = store.policyByName(name)
  if (other && other.id !== id) refuse(`A Policy with Name ${JSON.stringify(name)} already exists`)
  if (id === managementPolicyId && text !== '') {
    throw new RpcError('Changing the Rules for the builtin global-management policy is not permitted')
  }
  const draft = {id, name, description: body.string('Description'), text, datacenters: body.strings('Datacenters')}
  try {
    return jsonReply(print(store.putPolicy(draft)))
  } catch (error) {
    if (error instanceof RuleError) throw new RpcError(error.message)
    throw error
  }
}

async function create(call: Call): Promise<Reply> {
  const store = demandAcl(call, 'write')
  const body = await decode(call)
  if (body.string('ID') !== '') throw badRequest('Bad request: Cannot specify the ID when creating a new policy')
  return write(store, body, '')
}

async function update(call: Call, store: AclStore, id: string): Promise<Reply> {
  const body = await decode(call)
  const given = body.string('ID')
  if (given !== '' && given !== id) throw badRequest('Bad request: Policy ID in URL and payload do not match')
  checkWriteId(id)
  if (!store.policies.has(id)) throw new RpcError(`cannot find policy ${id}`)
  return write(store, body, id)
}

function remove(store: AclStore, id: string): Reply {
  checkWriteId(id)
  if (id === managementPolicyId) {
    throw new RpcError('Delete operation not permitted on the builtin global-management policy')
  }
  store.deletePolicy(id)
  return jsonReply(true)
}

function checkWriteId(id: string): void {
  const wrong = uuidError(id)
  if (wrong !== undefined) throw new RpcError(`failed acl policy lookup: ${wrong}`)
}

function read(store: AclStore, id: string): Reply {
  checkReadId(id, 'policy')
  const row = store.policies.get(id)
  if (!row) throw aclNotFound(store)
  return jsonReply(print(row), metaHeaders(store.index))
}

function one(call: Call): Reply | Promise<Reply> {
  const store = demandAcl(call, call.method === 'GET' ? 'read' : 'write')
  const id = call.name
  if (id === '' && call.method !== 'PUT') throw badRequest('Bad request: Missing policy ID')
  if (call.method === 'GET') return read(store, id)
  if (call.method === 'DELETE') return remove(store, id)
  return id === '' ? create(call) : update(call, store, id)
}

function byName(call: Call): Reply {
  const store = demandAcl(call, 'read')
  const row = store.policyByName(call.name)
  if (!row) throw aclNotFound(store)
  return jsonReply(print(row), metaHeaders(store.index))
}

export const aclPolicyRoutes: readonly Route[] = [
  get('/v1/acl/policies', list),
  put('/v1/acl/policy', create),
  get('/v1/acl/policy/name/', byName),
  {path: '/v1/acl/policy/', methods: ['GET', 'PUT', 'DELETE'], handle: one},
]
