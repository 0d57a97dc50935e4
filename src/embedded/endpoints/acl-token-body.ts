import type {NodeIdentity, ServiceIdentity} from '../acl/identities.js'
import type {AclStore} from '../acl/store.js'
import type {Decoded, Fields} from '../go/decode.js'
import {formatGoDuration} from '../go/duration.js'
import type {Call} from '../http/call.js'
import {RpcError} from '../refusals.js'
import {uuidError} from '../uuid.js'
import {decodeBody} from './body.js'

const link: Fields = {ID: 'string', Name: 'string'}
const fields: Fields = {
  AccessorID: 'string',
  SecretID: 'string',
  Description: 'string',
  Policies: {list: link},
  Roles: {list: link},
  ServiceIdentities: {list: {ServiceName: 'string', Datacenters: 'strings'}},
  NodeIdentities: {list: {NodeName: 'string', Datacenter: 'string'}},
  Rules: 'string',
  Local: 'bool',
  AuthMethod: 'string',
  ExpirationTime: 'time',
  ExpirationTTL: 'duration',
  CreateTime: 'time',
  Hash: 'string',
  CreateIndex: 'uint64',
  ModifyIndex: 'uint64',
}

export const decodeToken = (call: Call): Promise<Decoded> =>
  decodeBody(call, fields, 'Bad request: Token decoding failed')

const refuse = (why: string): never => {
  throw new RpcError(why)
}

/** Returns the IDs of the policies that a request body names by ID or by name. */
export function policiesOf(store: AclStore, body: Decoded): readonly string[] {
  const policies = (body.list('Policies') ?? []).map(given => policyOf(store, given.string('ID'), given.string('Name')))
  for (const role of body.list('Roles') ?? []) refuse(`No such ACL role with ${linkText(role)}`)
  return policies
}

function policyOf(store: AclStore, id: string, name: string): string {
  const wrong = id === '' ? undefined : uuidError(id)
  if (wrong !== undefined)
    refuse(`Error looking up policy for id ${JSON.stringify(id)}: failed acl policy lookup: ${wrong}`)
  const row = id === '' ? store.policyByName(name) : store.policies.get(id)
  const text = id === '' ? `name ${JSON.stringify(name)}` : `ID ${JSON.stringify(id)}`
  return row ? row.id : refuse(`No such ACL policy with ${text}`)
}

const linkText = (given: Decoded): string =>
  given.string('ID') === ''
    ? `name ${JSON.stringify(given.string('Name'))}`
    : `ID ${JSON.stringify(given.string('ID'))}`

const identityName = /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/
const allowed = "Only alphanumeric characters, '-' and '_' are allowed"

export const serviceIdentitiesOf = (body: Decoded): readonly ServiceIdentity[] =>
  (body.list('ServiceIdentities') ?? []).map(given => {
    const name = given.string('ServiceName')
    if (name === '') refuse('Service identity is missing the service name field on this token')
    if (!identityName.test(name)) refuse(`Service identity ${JSON.stringify(name)} has an invalid name. ${allowed}`)
    return {name, datacenters: given.strings('Datacenters')}
  })

export const nodeIdentitiesOf = (body: Decoded): readonly NodeIdentity[] =>
  (body.list('NodeIdentities') ?? []).map(given => {
    const [name, datacenter] = [given.string('NodeName'), given.string('Datacenter')]
    if (name === '') refuse('Node identity is missing the node name field on this token')
    if (datacenter === '') refuse('Node identity is missing the datacenter field on this token')
    if (!identityName.test(name)) refuse(`Node identity has an invalid name. ${allowed}`)
    return {name, datacenter}
  })

const [shortestMs, longestMs] = [60_000, 24 * 3_600_000]

/** Returns the time at which a new token expires; undefined if it never expires. */
export function expiryOf(body: Decoded, nowMs: number): number | undefined {
  const [ttlNs, given] = [body.duration('ExpirationTTL'), body.time('ExpirationTime')]
  if (ttlNs !== 0 && given !== undefined) refuse('Token Expiration TTL and Expiration Time cannot both be set')
  if (ttlNs < 0) refuse(`Token Expiration TTL '${formatGoDuration(ttlNs)}' should be > 0`)
  const expiresMs = ttlNs > 0 ? nowMs + ttlNs / 1e6 : given
  if (expiresMs === undefined) return undefined
  const inMs = expiresMs - nowMs
  if (inMs < 0) refuse('ExpirationTime cannot be before CreateTime')
  const was = `(was ${formatGoDuration(inMs * 1e6)})`
  if (inMs < shortestMs) refuse(`ExpirationTime cannot be less than 1m0s in the future ${was}`)
  if (inMs > longestMs) refuse(`ExpirationTime cannot be more than 24h0m0s in the future ${was}`)
  return expiresMs
}
