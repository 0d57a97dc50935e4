import {contentHash} from '../agent/content-hash.js'
import {printMember, printSelf} from '../agent/describe.js'
import type {LocalAgent, LocalService} from '../agent/local-agent.js'
import {rowFields} from '../filter/fields.js'
import {filterOf, lateFilterOf} from '../filter/filter.js'
import {type Call, ClientGone, readWait} from '../http/call.js'
import {emptyReply, jsonReply, type Reply, textReply} from '../http/reply.js'
import {get, plain, put, type Route} from '../http/route.js'
import {badRequest, HttpError} from '../refusals.js'
import {checkRowOf} from './agent-checks.js'
import {printLocalService} from './agent-print.js'
import {demandNamed, refuseUnknown, registerService} from './agent-register.js'

function members(call: Call): Reply {
  const wan = call.query.get('wan') !== ''
  const segment = call.query.get('segment')
  if (wan && segment !== '' && segment !== '_all') throw badRequest('Cannot provide a segment with wan=true')
  if (segment !== '' && segment !== '_all') {
    throw new HttpError(500, 'Network segments are not supported in this version of Consul')
  }
  const {may} = call
  const pool = wan ? [...call.cluster.datacenters.values()].map(({server}) => server) : call.home.agents
  return jsonReply(pool.filter(({node}) => may.can('node', node, 'read')).map(agent => printMember(agent, wan)))
}

function services(call: Call): Reply {
  const {may, query} = call
  const matching = filterOf(query.get('filter'), rowFields.service)
  const rows = [...call.agent.services.values()].filter(row => may.can('service', row.name, 'read'))
  const printed = rows.map(row => [row.id, printLocalService(row)] as const)
  return jsonReply(new Map(printed.filter(([, row]) => matching(row))))
}

function checks(call: Call): Reply {
  const {may, query} = call
  const matching = lateFilterOf(query.get('filter'), rowFields.check)
  const rows = [...call.agent.checks.values()].filter(row =>
    row.serviceName === '' ? may.can('node', row.node, 'read') : may.can('service', row.serviceName, 'read'),
  )
  const printed = rows.map(row => [row.id, checkRowOf(row)] as const)
  return jsonReply(new Map(printed.filter(([, row]) => matching(row))))
}

/** Answers with one service. With `?hash=`, waits until the service's hash differs from that value. */
async function service(call: Call): Promise<Reply> {
  const asked = call.query.get('hash')
  const waitMs = readWait(call)
  const id = call.name
  const current = (): LocalService | undefined => call.agent.services.get(id)
  const changed = (): boolean => {
    const row = current()
    return !row || contentHash(row) !== asked
  }
  if (asked !== '' && !changed()) await parkForService(call, waitMs, changed)
  const row = current()
  if (row) call.demand('service', row.name, 'read')
  if (!row) return textReply(404, `unknown service ID: ${id}`)
  const hash = contentHash(row)
  return jsonReply({...printLocalService(row), ContentHash: hash}, {'x-consul-contenthash': hash})
}

async function parkForService(call: Call, waitMs: number, changed: () => boolean): Promise<void> {
  const {clock, random} = call.cluster
  await new Promise<void>((resolve, reject) => {
    const settle = (finish: () => void): void => {
      stop()
      forget()
      timer[Symbol.dispose]()
      finish()
    }
    const stop = call.agent.onServices(() => {
      if (changed()) settle(resolve)
    })
    const timer = clock.timer(waitMs + (random() * waitMs) / 16, () => settle(resolve), {ref: false})
    const forget = call.onGone(() => settle(() => reject(new ClientGone())))
  })
}

function deregisterService(call: Call): Reply {
  if (call.rest === '') throw new HttpError(500, 'ServiceID missing')
  const service = call.agent.services.get(call.name)
  if (service) demandNamed(call, 'service', service.name)
  else refuseUnknown(call, 'service')
  if (service) call.agent.removeService(service.id)
  return emptyReply()
}

function enableFlag(call: Call): boolean {
  if (!call.query.has('enable')) throw badRequest('Missing value for enable')
  const text = call.query.get('enable')
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw badRequest(`Invalid value for enable: ${JSON.stringify(text)}`)
}

interface Maintenance {
  readonly id: string
  readonly name: string
  readonly defaultReason: string
  readonly service: LocalService | undefined
}

function setMaintenance(agent: LocalAgent, call: Call, mode: Maintenance): Reply {
  if (!enableFlag(call)) {
    if (agent.checks.has(mode.id)) agent.removeCheck(mode.id)
    return emptyReply()
  }
  // As in Consul, a second request for maintenance mode does not replace the reason that the first one gave.
  if (agent.checks.has(mode.id)) return emptyReply()
  agent.putCheck({
    node: agent.node,
    id: mode.id,
    name: mode.name,
    status: 'critical',
    notes: call.query.get('reason') || mode.defaultReason,
    output: '',
    serviceId: mode.service?.id ?? '',
    serviceName: mode.service?.name ?? '',
    serviceTags: mode.service?.tags,
    type: 'maintenance',
    definition: new Map(),
    ttlMs: 0,
    deregisterAfterMs: 0,
    probe: undefined,
  })
  return emptyReply()
}

function serviceMaintenance(call: Call): Reply {
  if (call.rest === '') throw badRequest('Missing service ID')
  enableFlag(call)
  call.checkNamespace()
  const service = call.agent.services.get(call.name)
  if (service) demandNamed(call, 'service', service.name)
  if (!service) return textReply(404, `No service registered with ID ${JSON.stringify(call.name)}`)
  return setMaintenance(call.agent, call, {
    id: `_service_maintenance:${service.id}`,
    name: 'Service Maintenance Mode',
    defaultReason:
      'Maintenance mode is enabled for this service, but no reason was provided. This is a default message.',
    service,
  })
}

function nodeMaintenance(call: Call): Reply {
  enableFlag(call)
  call.demand('node', call.agent.node, 'write')
  return setMaintenance(call.agent, call, {
    id: '_node_maintenance',
    name: 'Node Maintenance Mode',
    defaultReason: 'Maintenance mode is enabled for this node, but no reason was provided. This is a default message.',
    service: undefined,
  })
}

/** Returns a handler that runs only if the token has the `agent` permission on this node. */
const guarded =
  (access: 'read' | 'write', handle: (call: Call) => Reply) =>
  (call: Call): Reply => {
    call.demand('agent', call.agent.node, access)
    return handle(call)
  }

function join(call: Call): Reply {
  const given = call.name
  const host = given.replace(/:\d+$/, '')
  const address = given === host ? `${host}:${call.query.get('wan') === '' ? 8301 : 8302}` : given
  throw new HttpError(
    500,
    `1 error occurred:\n\t* Failed to join ${host}: dial tcp ${address}: connect: connection refused\n\n`,
  )
}

function forceLeave(call: Call): Reply {
  const known = call.home.agents.some(({node}) => node === call.name)
  if (!known) throw new HttpError(500, `agent: No node found with name '${call.name}'`)
  return emptyReply()
}

const metrics = (call: Call): Reply => {
  if (call.query.get('format') === 'prometheus') {
    return textReply(415, 'Prometheus is not enabled since its retention time is not positive')
  }
  const at = new Date(call.cluster.clock.wallMs()).toISOString().replace('T', ' ').replace(/\..*/, ' +0000 UTC')
  return jsonReply({Timestamp: at, Gauges: [], Points: [], Counters: [], Samples: []})
}

export const agentRoutes: readonly Route[] = [
  get(
    '/v1/agent/self',
    guarded('read', ({cluster, home, agent}) => jsonReply(printSelf(cluster, home, agent))),
  ),
  get('/v1/agent/members', members),
  get('/v1/agent/services', plain(services)),
  get('/v1/agent/checks', plain(checks)),
  get('/v1/agent/service/', plain(service)),
  put('/v1/agent/service/register', plain(registerService)),
  put('/v1/agent/service/deregister/', plain(deregisterService)),
  put('/v1/agent/service/maintenance/', serviceMaintenance),
  put('/v1/agent/maintenance', nodeMaintenance),
  put('/v1/agent/join/', guarded('write', join)),
  put(
    '/v1/agent/leave',
    guarded('write', () => emptyReply()),
  ),
  put('/v1/agent/force-leave/', forceLeave),
  put(
    '/v1/agent/reload',
    guarded('write', () => emptyReply()),
  ),
  get('/v1/agent/metrics', guarded('read', metrics)),
]
