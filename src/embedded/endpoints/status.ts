import {printCoordinate, rpcAddress} from '../agent/describe.js'
import {metaHeaders} from '../http/blocking.js'
import type {Call} from '../http/call.js'
import {emptyReply, jsonReply, type Reply} from '../http/reply.js'
import {get, type Route} from '../http/route.js'

function leader(call: Call): Reply {
  const target = call.target()
  return jsonReply(target.hasLeader ? rpcAddress(target.server) : '')
}

function peers(call: Call): Reply {
  const target = call.target()
  return jsonReply(target.hasLeader ? [rpcAddress(target.server)] : [])
}

function coordinateDatacenters(call: Call): Reply {
  return jsonReply(
    [...call.cluster.datacenters.values()].map(({name, server}) => ({
      Datacenter: name,
      AreaID: 'wan',
      Coordinates: [printCoordinate(server)],
    })),
  )
}

function coordinateNodes(call: Call): Reply {
  const target = call.target()
  return jsonReply(target.agents.map(printCoordinate), metaHeaders(target.state.catalog.tableIndex('nodes')))
}

function coordinateNode(call: Call): Reply {
  const target = call.target()
  const agent = target.agents.find(({node}) => node === call.name)
  if (!agent) return emptyReply(404)
  return jsonReply([printCoordinate(agent)], metaHeaders(target.state.catalog.tableIndex('nodes')))
}

export const statusRoutes: readonly Route[] = [
  get('/v1/status/leader', leader),
  get('/v1/status/peers', peers),
  get('/v1/coordinate/datacenters', coordinateDatacenters),
  get('/v1/coordinate/nodes', coordinateNodes),
  get('/v1/coordinate/node/', coordinateNode),
]
