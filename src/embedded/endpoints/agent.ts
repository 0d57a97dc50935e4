import {createHash} from 'node:crypto'
import {printMember, printSelf} from '../agent/describe.js'
import type {LocalAgent, LocalService} from '../agent/local-agent.js'
import {type Printable, printJson} from '../go/json-print.js'
import {type Call, ClientGone, readWait} from '../http/call.js'
import {badRequest, emptyReply, HttpError, jsonReply, type Reply, textReply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import {checkRowOf} from './agent-checks.js'
import {registerService} from './agent-register.js'
import {printTagged, printWeights} from './catalog-print.js'

function members(call: Call): Reply {
  const wan = call.query.get('wan') !== ''
  const segment = call.query.get('segment')
  if (wan && segment !== '' && segment !== '_all') throw badRequest('Cannot provide a segment with wan=true')
  if (segment !== '' && segment !== '_all') {
    throw new HttpError(500, 'Network segments are not supported in this version of Consul')
  }
  if (wan) return jsonReply([...call.cluster.datacenters.values()].map(({server}) => printMember(server, true)))
  return jsonReply(call.home.agents.map(agent => printMember(agent)))
}

export const printLocalService = (row: LocalService): {readonly [name: string]: Printable} => ({
  Kind: row.kind || undefined,
  ID: row.id,
  Service: row.name,
  Tags: row.tags ?? [],
  Meta: row.meta ?? {},
  Port: row.port,
  Address: row.address,
  TaggedAddresses: printTagged(row),
  Weights: printWeights(row),
  EnableTagOverride: row.enableTagOverride,
})

const services = ({agent}: Call): Reply =>
  jsonReply(new Map([...agent.services.values()].map(row => [row.id, printLocalService(row)])))

const checks = ({agent}: Call): Reply =>
  jsonReply(new Map([...agent.checks.values()].map(row => [row.id, checkRowOf(row)])))

const hashOf = (row: LocalService): string =>
  createHash('sha256')
    .update(printJson(printLocalService(row)))
    .digest('hex')
    .slice(0, 16)

/** One service; `?hash=` waits until it is another one. */
async function service(call: Call): Promise<Reply> {
  const asked = call.query.get('hash')
  const waitMs = readWait(call)
  const id = call.name
  const current = (): LocalService | undefined => call.agent.services.get(id)
  const changed = (): boolean => {
    const row = current()
    return !row || hashOf(row) !== asked
  }
  if (asked !== '' && !changed()) await parkForService(call, waitMs, changed)
  const row = current()
  if (!row) return textReply(404, `unknown service ID: ${id}`)
  const hash = hashOf(row)
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
  if (call.agent.services.has(call.name)) call.agent.removeService(call.name)
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
  })
  return emptyReply()
}

function serviceMaintenance(call: Call): Reply {
  if (call.rest === '') throw badRequest('Missing service ID')
  enableFlag(call)
  const service = call.agent.services.get(call.name)
  if (!service) return textReply(404, `No service registered with ID ${JSON.stringify(call.name)}`)
  return setMaintenance(call.agent, call, {
    id: `_service_maintenance:${service.id}`,
    name: 'Service Maintenance Mode',
    defaultReason:
      'Maintenance mode is enabled for this service, but no reason was provided. This is a default message.',
    service,
  })
}

const nodeMaintenance = (call: Call): Reply =>
  setMaintenance(call.agent, call, {
    id: '_node_maintenance',
    name: 'Node Maintenance Mode',
    defaultReason: 'Maintenance mode is enabled for this node, but no reason was provided. This is a default message.',
    service: undefined,
  })

function join(call: Call): Reply {
  const address = call.name
  throw new HttpError(
    500,
    `1 error occurred:\n\t* Failed to join ${address.replace(/:\d+$/, '')}: dial tcp ${address}: connect: connection refused\n\n`,
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
  get('/v1/agent/self', ({home, agent}) => jsonReply(printSelf(home, agent))),
  get('/v1/agent/members', members),
  get('/v1/agent/services', services),
  get('/v1/agent/checks', checks),
  get('/v1/agent/service/', service),
  put('/v1/agent/service/register', registerService),
  put('/v1/agent/service/deregister/', deregisterService),
  put('/v1/agent/service/maintenance/', serviceMaintenance),
  put('/v1/agent/maintenance', nodeMaintenance),
  put('/v1/agent/join/', join),
  put('/v1/agent/leave', () => emptyReply()),
  put('/v1/agent/force-leave/', forceLeave),
  put('/v1/agent/reload', () => emptyReply()),
  get('/v1/agent/metrics', metrics),
]
