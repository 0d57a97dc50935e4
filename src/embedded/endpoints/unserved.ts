import {fromBytes} from '../go/bytes.js'
import type {Decoded, Fields} from '../go/decode.js'
import {contactHeaders} from '../http/blocking.js'
import type {Call} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import type {Route} from '../http/route.js'
import {HttpError} from '../refusals.js'
import {aclStore} from './acl.js'

/** The parts of Consul's API that this agent lacks, with their paths. docs/commands/dev.md contains the same list. */
const unserved: readonly (readonly [what: string, ...paths: readonly string[]])[] = [
  ['ACL roles', '/v1/acl/role', '/v1/acl/role/'],
  ['ACL auth methods', '/v1/acl/auth-method', '/v1/acl/auth-method/', '/v1/acl/login', '/v1/acl/logout'],
  ['ACL binding rules', '/v1/acl/binding-rule', '/v1/acl/binding-rule/'],
  [
    'legacy ACLs',
    ...['/v1/acl/create', '/v1/acl/update', '/v1/acl/list', '/v1/acl/info/', '/v1/acl/clone/', '/v1/acl/destroy/'],
    ...['/v1/acl/rules/translate', '/v1/acl/rules/translate/'],
  ],
  ['prepared queries', '/v1/query', '/v1/query/'],
  ['configuration entries', '/v1/config', '/v1/config/'],
  [
    'Connect',
    ...['/v1/connect/', '/v1/agent/connect/', '/v1/discovery-chain/', '/v1/catalog/connect/', '/v1/health/connect/'],
    ...['/v1/health/ingress/', '/v1/catalog/gateway-services/'],
  ],
  ['the web interface', '/ui/', '/v1/internal/ui/'],
  ['the log stream', '/v1/agent/monitor'],
  ['facts about the host', '/v1/agent/host'],
  ['profiles', '/debug/pprof/'],
  ['the keyring', '/v1/operator/keyring'],
  ['removal of Raft peers', '/v1/operator/raft/peer'],
  ['updates of coordinates', '/v1/coordinate/update'],
  ['areas and licences', '/v1/operator/area', '/v1/operator/area/', '/v1/operator/license'],
]

const methods = ['GET', 'PUT', 'POST', 'DELETE']

const refuse = (what: string, call: Call): never => {
  throw new HttpError(501, `baton dev does not serve ${what}: ${call.method} ${fromBytes(call.path)}`)
}

/** Throws if a service has Connect fields, because it would be registered without them. */
export function refuseConnect(call: Call, service: Decoded): void {
  const [proxy, connect] = [service.object('Proxy'), service.object('Connect')]
  const isProxy = service.string('Kind') !== '' || proxy?.string('DestinationServiceName')
  if (isProxy || connect?.bool('Native') || connect?.has('SidecarService')) {
    refuse('Connect (Kind, Proxy and Connect of a service)', call)
  }
}

/** Fields of a service that only Connect uses. */
export const connectFields: Fields = {
  Proxy: {object: {DestinationServiceName: 'string'}, lenient: true},
  Connect: {object: {Native: 'bool', SidecarService: 'any'}, lenient: true},
}

export const unservedRoutes: readonly Route[] = unserved.flatMap(([what, ...paths]) =>
  paths.map(path => ({
    path,
    methods,
    handle: (call: Call): Reply => {
      if (path.startsWith('/v1/acl/')) aclStore(call)
      // The list is empty, because prepared queries cannot be created in this agent.
      if (path === '/v1/query' && call.method === 'GET') return jsonReply([], contactHeaders)
      return refuse(what, call)
    },
  })),
)
