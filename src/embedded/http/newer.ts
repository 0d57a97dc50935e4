import type {Profile} from '../profile.js'
import {badRequest} from '../refusals.js'
import type {Call} from './call.js'
import {emptyReply, type Reply, textReply} from './reply.js'

/** Adds the headers that versions after 1.8.7 add, and replaces texts that those versions have changed. */
export function asNewer(call: Call, path: string, reply: Reply): Reply {
  const {profile, acl} = call.cluster
  const headers: Record<string, string> = {...reply.headers}
  if (profile.hasBackends && 'x-consul-index' in headers) addBackend(headers, isStreamed(call, path))
  if (profile.saysAclPolicy && path.startsWith('/v1/')) headers['x-consul-default-acl-policy'] = acl ? 'deny' : 'allow'
  if (profile.saysAclPolicy && call.hasHidden && call.token !== '') {
    headers['x-consul-results-filtered-by-acls'] = 'true'
  }
  if (!profile.namesUnknown || reply.status !== 400 || typeof reply.body !== 'string') return {...reply, headers}
  const end = reply.body.startsWith('Conflicting flags: ') ? '\n' : ''
  return {...reply, headers, body: reply.body.replace(/^Bad request: /, '') + end}
}

/**
 * Adds the header that names the query backend. An answer of the streaming backend does not come from a particular
 * server, so it has no headers about the leader and the last contact.
 */
function addBackend(headers: Record<string, string>, isStreaming: boolean): void {
  headers['x-consul-query-backend'] = isStreaming ? 'streaming' : 'blocking-query'
  if (!isStreaming) return
  delete headers['x-consul-knownleader']
  delete headers['x-consul-lastcontact']
}

const isStreamed = ({query}: Call, path: string): boolean =>
  path.startsWith('/v1/health/service/') &&
  (query.get('index') !== '' || query.has('cached')) &&
  !query.has('consistent')

export function unknownPath({namesUnknown}: Profile, path: string): Reply {
  if (!namesUnknown) return emptyReply(404)
  const why = path.startsWith('/v1/')
    ? 'not a recognized HTTP API endpoint'
    : "if attempting to use the HTTP API, ensure the path starts with '/v1/'"
  return textReply(404, `Invalid URL path: ${why}\n`)
}

export function refusePartition(call: Call): void {
  if (!call.cluster.profile.knowsPartitions) return
  const refusal = 'Partitions are a Consul Enterprise feature'
  if (call.query.get('partition') !== '') throw badRequest(`Invalid query parameter: "partition" - ${refusal}`)
  if (call.header('x-consul-partition') !== '') throw badRequest(`Invalid header: "X-Consul-Partition" - ${refusal}`)
}
