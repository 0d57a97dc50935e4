import {metaHeaders} from '../http/blocking.js'
import type {Call} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import {RpcError} from '../refusals.js'
import {aclStore, demandAcl} from './acl.js'

function bootstrap(call: Call): Reply {
  aclStore(call)
  throw new RpcError('Permission denied: ACL bootstrap no longer allowed (reset index: 5)')
}

/** Answers with an empty list, because roles, auth methods and binding rules cannot be created in this agent. */
function emptyList(call: Call): Reply {
  demandAcl(call, 'read')
  return jsonReply([], metaHeaders(0n))
}

const never = '0001-01-01T00:00:00Z'

function replication(call: Call): Reply {
  aclStore(call)
  return jsonReply({
    Enabled: false,
    Running: false,
    SourceDatacenter: '',
    ReplicationType: '',
    ReplicatedIndex: 0,
    ReplicatedRoleIndex: 0,
    ReplicatedTokenIndex: 0,
    LastSuccess: never,
    LastError: never,
  })
}

export const aclOtherRoutes: readonly Route[] = [
  put('/v1/acl/bootstrap', bootstrap),
  get('/v1/acl/roles', emptyList),
  get('/v1/acl/auth-methods', emptyList),
  get('/v1/acl/binding-rules', emptyList),
  get('/v1/acl/replication', replication),
]
