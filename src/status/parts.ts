import {missingRules} from '../core/api/acl-authorize.js'
import {aclRuleText} from '../core/api/acl-rule.js'
import type {ServiceInstance} from '../core/types.js'
import {statusRules} from '../doctor/command-rules.js'
import {createInitiator} from '../exec/initiator/initiator.js'
import {responderNameKey, responderService} from '../exec/initiator/targets.js'
import {inspectLocks} from '../lock/inspect.js'
import {type MappingReport, toMappingReport} from '../replicate/status/health.js'
import {readStatuses} from '../replicate/status/read-statuses.js'
import {localWatchers} from './local-watchers.js'
import type {
  AgentPart,
  ExecPart,
  LocksPart,
  RegisteredResponder,
  StatusContext,
  StatusPartName,
  StatusParts,
} from './types.js'

/** The lag above which `baton replicate status` warns by default. */
const mostLagMs = 60_000

/** Functions that read one part each. They write nothing, and reject if a read of Consul fails. */
export const readers: {readonly [Name in StatusPartName]: (context: StatusContext) => Promise<StatusParts[Name]>} = {
  agent: readAgent,
  locks: readLocks,
  exec: readExec,
  replication: readReplication,
  watchers: ({client}) => localWatchers(client.clock),
  missingRules: readMissingRules,
}

async function readAgent({client, signal}: StatusContext): Promise<AgentPart> {
  const {datacenter, node, version} = await client.agent.self({signal})
  return {datacenter: client.scope.datacenter ?? datacenter, node, version}
}

async function readLocks({client, prefix, signal}: StatusContext): Promise<LocksPart> {
  const locks = await inspectLocks(client, prefix, {signal})
  const {value: sessions} = await client.session.list({signal})
  const heldBy = (session: string): readonly string[] =>
    locks.filter(({holders}) => holders.some(holder => holder.session === session)).map(lock => lock.prefix)
  return {
    locks,
    sessionCount: sessions.length,
    unrenewed: sessions.filter(({ttlMs}) => ttlMs === 0).map(one => ({...one, holds: heldBy(one.id)})),
  }
}

async function readExec({client, signal}: StatusContext): Promise<ExecPart> {
  const [runs, {value: instances}] = await Promise.all([
    createInitiator(client).list({signal}),
    client.catalog.service(responderService, {signal}),
  ])
  const responders = instances.map(toResponder).sort((a, b) => (a.name < b.name ? -1 : 1))
  return {runs, responders}
}

const toResponder = ({node, meta, checks}: ServiceInstance): RegisteredResponder => ({
  name: meta[responderNameKey] ?? node.node,
  node: node.node,
  isPassing: checks.every(({status}) => status === 'passing'),
})

async function readReplication({client, statusDir, signal}: StatusContext): Promise<readonly MappingReport[]> {
  const documents = await readStatuses(client, statusDir, {signal})
  const nowMs = client.clock.wallMs()
  return documents.map(document => toMappingReport(document, {nowMs, mostLagMs}))
}

/**
 * Without ACLs, no rule is missing. An agent that does not report missing rules counts as one without ACLs.
 */
async function readMissingRules({client, prefix, statusDir, signal}: StatusContext): Promise<readonly string[]> {
  try {
    return (await missingRules(client.caller, statusRules(prefix, statusDir), {signal})).map(aclRuleText)
  } catch {
    signal.throwIfAborted()
    return []
  }
}
