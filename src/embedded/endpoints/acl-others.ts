import type {Call} from '../http/call.js'
import {emptyReply, type Reply, RpcError} from '../http/reply.js'
import {put, type Route} from '../http/route.js'
import {aclStore} from './acl.js'

function bootstrap(call: Call): Reply {
  aclStore(call)
  throw new RpcError('Permission denied: ACL bootstrap no longer allowed (reset index: 5)')
}

/** The parts that are not imitated: nothing is there. */
function unknown(call: Call): Reply {
  aclStore(call)
  return emptyReply(404)
}

export const aclOtherRoutes: readonly Route[] = [
  put('/v1/acl/bootstrap', bootstrap),
  {path: '/v1/acl/', methods: ['GET', 'PUT', 'DELETE'], handle: unknown},
]
