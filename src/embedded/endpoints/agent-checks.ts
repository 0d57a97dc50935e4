import type {LocalCheck, LocalService} from '../agent/local-agent.js'
import type {Printable} from '../go/json-print.js'
import type {Call} from '../http/call.js'
import {badRequest, emptyReply, HttpError, jsonReply, type Reply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import {demandNamed, refuseUnknown, registerCheck} from './agent-register.js'
import {decodeBody} from './body.js'
import {printCheck} from './catalog-print.js'

/** As the agent prints its own checks: without indexes and definition. */
export const checkRowOf = (check: LocalCheck): Printable =>
  printCheck({...check, definition: new Map(), createIndex: 0n, modifyIndex: 0n})

function demandCheck(call: Call, check: LocalCheck): void {
  if (check.serviceName === '') demandNamed(call, 'node', check.node)
  else demandNamed(call, 'service', check.serviceName)
}

function deregister(call: Call): Reply {
  if (call.rest === '') throw new HttpError(500, 'CheckID missing')
  const check = call.agent.checks.get(call.name)
  if (check) demandCheck(call, check)
  else refuseUnknown(call, 'check')
  if (check) call.agent.removeCheck(check.id)
  return emptyReply()
}

function setStatus(call: Call, status: string, output: string): Reply {
  const check = call.agent.checks.get(call.name)
  if (check) demandCheck(call, check)
  else refuseUnknown(call, 'check')
  if (!check || check.ttlMs === 0) {
    throw new HttpError(500, `CheckID ${JSON.stringify(call.name)} does not have associated TTL`)
  }
  call.agent.updateCheck(check, status, output)
  return emptyReply()
}

async function update(call: Call): Promise<Reply> {
  const body = await decodeBody(call, {Status: 'string', Output: 'string'})
  const status = body.string('Status')
  if (!['passing', 'warning', 'critical'].includes(status)) throw badRequest(`Invalid check status: '${status}'`)
  return setStatus(call, status, body.string('Output'))
}

const worst = (statuses: readonly string[]): string =>
  ['maintenance', 'critical', 'warning'].find(status => statuses.includes(status)) ?? 'passing'

const codes: Readonly<Record<string, number>> = {passing: 200, warning: 429, critical: 503, maintenance: 503}

function healthOf({agent}: Call, service: LocalService) {
  const checks = [...agent.checks.values()].filter(check => check.serviceId === '' || check.serviceId === service.id)
  const status = worst(checks.map(({id, status}) => (/^_(node|service)_maintenance/.test(id) ? 'maintenance' : status)))
  return {status, checks}
}

function localHealth(call: Call, found: readonly LocalService[], missing: string, single: boolean): Reply {
  const plain = call.query.get('format') === 'text'
  const shaped = (code: number, reason: string, body: Printable): Reply => {
    const headers = {'x-consul-reason': reason}
    if (!plain) return jsonReply(body, headers, code)
    return {status: code, headers: {...headers, 'content-type': 'text/plain'}, body: reason}
  }
  if (found.length === 0) return shaped(404, missing, single ? null : [])
  const entries = found.map(service => ({service, ...healthOf(call, service)}))
  const status = worst(entries.map(entry => entry.status))
  const printed = entries.map(entry => ({
    AggregatedStatus: entry.status,
    Service: {
      ID: entry.service.id,
      Service: entry.service.name,
      Tags: entry.service.tags ?? [],
      Port: entry.service.port,
    },
    Checks: entry.checks.map(checkRowOf),
  }))
  return shaped(codes[status] ?? 500, status, single ? (printed[0] ?? null) : printed)
}

function healthById(call: Call): Reply {
  if (call.rest === '') throw badRequest('Missing serviceID')
  const service = call.agent.services.get(call.name)
  return localHealth(call, service ? [service] : [], `ServiceId ${call.name} not found`, true)
}

function healthByName(call: Call): Reply {
  if (call.rest === '') throw badRequest('Missing service Name')
  const found = [...call.agent.services.values()].filter(service => service.name === call.name)
  return localHealth(call, found, `ServiceName ${call.name} Not Found`, false)
}

export const agentCheckRoutes: readonly Route[] = [
  put('/v1/agent/check/register', registerCheck),
  put('/v1/agent/check/deregister/', deregister),
  put('/v1/agent/check/pass/', call => setStatus(call, 'passing', call.query.get('note'))),
  put('/v1/agent/check/warn/', call => setStatus(call, 'warning', call.query.get('note'))),
  put('/v1/agent/check/fail/', call => setStatus(call, 'critical', call.query.get('note'))),
  put('/v1/agent/check/update/', update),
  get('/v1/agent/health/service/id/', healthById),
  get('/v1/agent/health/service/name/', healthByName),
]
