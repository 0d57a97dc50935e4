import {metaHeaders} from '../http/blocking.js'
import {type Call, readParameters} from '../http/call.js'
import {emptyReply, type Reply} from '../http/reply.js'
import type {Route} from '../http/route.js'
import {HttpError, permissionDenied} from '../refusals.js'
import {packSnapshot, unpackSnapshot} from '../snapshot/archive.js'

function demandManagement(call: Call): void {
  if (!call.may.canScalar('acl', 'write')) throw permissionDenied()
}

async function save(call: Call): Promise<Reply> {
  readParameters(call, false)
  const target = call.target()
  const image = await call.rpc(target, ({state}) => {
    demandManagement(call)
    return state.save()
  })
  const headers = {'content-type': 'application/x-gzip', ...metaHeaders(image.index)}
  return {status: 200, headers, body: packSnapshot(image)}
}

async function restore(call: Call): Promise<Reply> {
  const target = call.target()
  const packed = (await call.body()) ?? Buffer.alloc(0)
  await call.rpc(target, () => {
    demandManagement(call)
    try {
      target.restore(unpackSnapshot(packed))
    } catch (error) {
      throw new HttpError(500, error instanceof Error ? error.message : String(error))
    }
  })
  return emptyReply()
}

export const snapshotRoutes: readonly Route[] = [
  {path: '/v1/snapshot', methods: ['GET', 'PUT'], handle: call => (call.method === 'GET' ? save(call) : restore(call))},
]
