import {availableParallelism} from 'node:os'
import type {Cluster} from '../cluster.js'
import type {Datacenter} from '../datacenter.js'
import type {Printable} from '../go/json-print.js'
import type {LocalAgent} from './local-agent.js'

const coordinate: Printable = {Vec: [0, 0, 0, 0, 0, 0, 0, 0], Error: 1.5, Adjustment: 0, Height: 0.00001}

export const printCoordinate = (agent: LocalAgent): Printable => ({Node: agent.node, Segment: '', Coord: coordinate})

/**
 * Returns the agent as a member of the LAN pool or, with `wan`, of the WAN pool, where the name of the datacenter is
 * appended to the agent's name.
 */
export function printMember(agent: LocalAgent, wan = false): Printable {
  const {home, ports} = agent
  const common = {build: `${home.profile.version}:`, dc: home.name, id: agent.nodeId}
  const tags = agent.server
    ? {
        acls: '0',
        ...common,
        ft_fs: '1',
        port: String(ports.rpc),
        raft_vsn: '3',
        role: 'consul',
        segment: '',
        vsn: '2',
        vsn_max: '3',
        vsn_min: '2',
        wan_join_port: wan ? undefined : String(ports.serfWan),
      }
    : {...common, role: 'node', segment: '', vsn: '2', vsn_max: '3', vsn_min: '2'}
  return {
    Name: wan ? `${agent.node}.${home.name}` : agent.node,
    Addr: agent.address,
    Port: wan ? ports.serfWan : ports.serfLan,
    Tags: tags,
    Status: 1,
    ProtocolMin: 1,
    ProtocolMax: 5,
    ProtocolCur: 2,
    DelegateMin: 2,
    DelegateMax: 5,
    DelegateCur: 4,
  }
}

export function printSelf(cluster: Cluster, datacenter: Datacenter, agent: LocalAgent): Printable {
  return {
    Config: {
      Datacenter: datacenter.name,
      NodeName: agent.node,
      NodeID: agent.nodeId,
      Revision: '',
      Server: agent.server,
      Version: cluster.profile.version,
    },
    DebugConfig: {
      BindAddr: agent.address,
      Datacenter: datacenter.name,
      DevMode: true,
      DisableRemoteExec: true,
      HTTPMaxConnsPerClient: 0,
      NodeID: agent.nodeId,
      NodeName: agent.node,
      ServerMode: agent.server,
      Version: cluster.profile.version,
    },
    Coord: coordinate,
    Member: printMember(agent),
    Stats: stats(cluster, datacenter, agent),
    Meta: agent.meta,
  }
}

function stats(cluster: Cluster, datacenter: Datacenter, agent: LocalAgent): Printable {
  const members = String(datacenter.agents.length)
  const processors = String(availableParallelism())
  return {
    agent: {
      check_monitors: '0',
      check_ttls: String([...agent.checks.values()].filter(check => check.ttlMs > 0).length),
      checks: String(agent.checks.size),
      services: String(agent.services.size),
    },
    build: {prerelease: '', revision: '', version: cluster.profile.version},
    consul: {
      acl: cluster.acl ? 'enabled' : 'disabled',
      bootstrap: 'false',
      known_datacenters: String(cluster.datacenters.size),
      leader: String(datacenter.hasLeader),
      leader_addr: datacenter.hasLeader ? rpcAddress(agent) : '',
      server: String(agent.server),
    },
    raft: raftStats(datacenter, agent),
    runtime: {
      arch: process.arch,
      cpu_count: processors,
      goroutines: '1',
      max_procs: processors,
      os: process.platform,
      version: process.version,
    },
    serf_lan: {...serfStats, event_time: String(datacenter.eventTime + 1n), members},
    serf_wan: {...serfStats, event_time: '1', members: String(cluster.datacenters.size)},
  }
}

function raftStats(datacenter: Datacenter, agent: LocalAgent): Printable {
  const index = String(datacenter.state.index)
  return {
    applied_index: index,
    commit_index: index,
    fsm_pending: '0',
    last_contact: '0',
    last_log_index: index,
    last_log_term: '2',
    last_snapshot_index: '0',
    last_snapshot_term: '0',
    latest_configuration: `[{Suffrage:Voter ID:${agent.nodeId} Address:${rpcAddress(agent)}}]`,
    latest_configuration_index: '0',
    num_peers: '0',
    protocol_version: '3',
    protocol_version_max: '3',
    protocol_version_min: '0',
    snapshot_version_max: '1',
    snapshot_version_min: '0',
    state: 'Leader',
    term: '2',
  }
}

const serfStats = {
  coordinate_resets: '0',
  encrypted: 'false',
  event_queue: '0',
  failed: '0',
  health_score: '0',
  intent_queue: '0',
  left: '0',
  member_time: '1',
  query_queue: '0',
  query_time: '1',
} as const

export const rpcAddress = (agent: LocalAgent): string => `${agent.address}:${agent.ports.rpc}`
