import {rpcAddress} from '../agent/describe.js'
import type {Decoded, Fields} from '../go/decode.js'
import {formatGoDuration} from '../go/duration.js'
import type {Printable} from '../go/json-print.js'
import type {Call} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import {get, type Route} from '../http/route.js'
import {badRequest, permissionDenied} from '../refusals.js'
import {decodeBody} from './body.js'

function demandOperator(call: Call, access: 'read' | 'write'): void {
  if (!call.may.canScalar('operator', access)) throw permissionDenied()
}

function raftConfiguration(call: Call): Reply {
  demandOperator(call, 'read')
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

async function health(call: Call): Promise<Reply> {
  demandOperator(call, 'read')
  const {server, state, profile, startedMs} = await call.rpc(call.target(), target => target)
  const row = {
    ID: server.nodeId,
    Name: server.node,
    Address: rpcAddress(server),
    SerfStatus: 'alive',
    Version: profile.version,
    Leader: true,
    LastContact: '0s',
    LastTerm: 2,
    LastIndex: state.index,
    Healthy: true,
    Voter: true,
    StableSince: new Date(startedMs).toISOString().replace(/\.\d+/, ''),
  }
  return jsonReply({Healthy: true, FailureTolerance: 0, Servers: [row]})
}

const fields: Fields = {
  CleanupDeadServers: 'bool',
  LastContactThreshold: 'duration',
  MaxTrailingLogs: 'uint64',
  MinQuorum: 'uint64',
  ServerStabilizationTime: 'duration',
  RedundancyZoneTag: 'string',
  DisableUpgradeMigration: 'bool',
  UpgradeVersionTag: 'string',
  CreateIndex: 'uint64',
  ModifyIndex: 'uint64',
}

const settingsOf = (body: Decoded): Readonly<Record<string, Printable>> => ({
  CleanupDeadServers: body.bool('CleanupDeadServers'),
  LastContactThreshold: formatGoDuration(body.duration('LastContactThreshold')),
  MaxTrailingLogs: body.uint64('MaxTrailingLogs'),
  MinQuorum: body.uint64('MinQuorum'),
  ServerStabilizationTime: formatGoDuration(body.duration('ServerStabilizationTime')),
  RedundancyZoneTag: body.string('RedundancyZoneTag'),
  DisableUpgradeMigration: body.bool('DisableUpgradeMigration'),
  UpgradeVersionTag: body.string('UpgradeVersionTag'),
})

/** Stores and returns the settings of Autopilot. They have no effect, because this datacenter has only one server. */
async function configuration(call: Call): Promise<Reply> {
  const target = await call.rpc(call.target(), found => found)
  if (call.method === 'GET') {
    demandOperator(call, 'read')
    const {settings, createIndex, modifyIndex} = target.autopilot
    return jsonReply({...settings, CreateIndex: createIndex, ModifyIndex: modifyIndex})
  }
  demandOperator(call, 'write')
  const body = await decodeBody(call, fields, 'Bad request: Error parsing autopilot config')
  const cas = call.query.get('cas')
  if (cas !== '' && !/^\d+$/.test(cas)) {
    throw badRequest(
      `Bad request: Error parsing cas value: strconv.ParseUint: parsing ${JSON.stringify(cas)}: invalid syntax`,
    )
  }
  if (cas !== '' && BigInt(cas) !== target.autopilot.modifyIndex) return jsonReply(false)
  target.setAutopilot(settingsOf(body))
  return jsonReply(true)
}

export const operatorRoutes: readonly Route[] = [
  get('/v1/operator/raft/configuration', raftConfiguration),
  get('/v1/operator/autopilot/health', health),
  {path: '/v1/operator/autopilot/configuration', methods: ['GET', 'PUT'], handle: configuration},
]
