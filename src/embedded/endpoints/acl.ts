import {createHash} from 'node:crypto'
import type {AclStore} from '../acl/store.js'
import {type Printable, printJson} from '../go/json-print.js'
import {metaHeaders, refusedMeta} from '../http/blocking.js'
import type {Call} from '../http/call.js'
import {HttpError, permissionDenied} from '../refusals.js'
import {uuidError} from '../uuid.js'

export function aclStore(call: Call): AclStore {
  const {acl} = call.cluster
  if (!acl) throw new HttpError(401, 'ACL support disabled')
  return acl
}

/** Returns the token store. Throws if the request's token may not read or write ACLs. */
export function demandAcl(call: Call, access: 'read' | 'write'): AclStore {
  const store = aclStore(call)
  if (!call.may.canScalar('acl', access)) throw permissionDenied()
  return store
}

export const aclNotFound = (store: AclStore): HttpError => new HttpError(403, 'ACL not found', metaHeaders(store.index))

/** Throws the error with which Consul refuses to read an ID that is not a UUID. */
export function checkReadId(id: string, kind: 'policy' | 'token'): void {
  const wrong = uuidError(id)
  if (wrong !== undefined) throw new HttpError(500, `failed acl ${kind} lookup: ${wrong}`, refusedMeta)
}

/** Returns a hash of the contents of a row. It differs from the hash that Consul computes. */
export const hashOf = (contents: Printable): string => createHash('sha256').update(printJson(contents)).digest('base64')
