import {printCoordinate, rpcAddress} from '../agent/describe.js'
import {contactHeaders, metaHeaders} from '../http/blocking.js'
import type {Call} from '../http/call.js'
import {emptyReply, jsonReply, permissionDenied, type Reply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'

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

function raftConfiguration(call: Call): Reply {
  if (!call.may.canScalar('operator', 'read')) throw permissionDenied()
  const {server, hasLeader} = call.target()
  return jsonReply({
    Servers: [
      {
        ID: server.nodeId,
        Node: server.node,
        Address: rpcAddress(server),
        Leader: hasLeader,
        ProtocolVersion: '3',
        Voter: true,
      },
    ],
    Index: 0,
  })
}

export const statusRoutes: readonly Route[] = [
  get('/v1/status/leader', leader),
  get('/v1/status/peers', peers),
  get('/v1/coordinate/datacenters', coordinateDatacenters),
  get('/v1/coordinate/nodes', coordinateNodes),
  get('/v1/coordinate/node/', coordinateNode),
  put('/v1/coordinate/update', () => emptyReply()),
  get('/v1/operator/raft/configuration', raftConfiguration),
  get('/v1/query', () => jsonReply([], contactHeaders)),
]
