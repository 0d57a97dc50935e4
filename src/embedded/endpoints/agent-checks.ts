import type {LocalCheck, LocalService} from '../agent/local-agent.js'
import type {Printable} from '../go/json-print.js'
import type {Call} from '../http/call.js'
import {emptyReply, jsonReply, type Reply} from '../http/reply.js'
import {get, plain, put, type Route} from '../http/route.js'
import {badRequest, HttpError} from '../refusals.js'
import {printLocalService} from './agent-print.js'
import {demandNamed, refuseUnknown, registerCheck} from './agent-register.js'
import {decodeBody} from './body.js'
import {printCheck} from './catalog-print.js'

/** The form in which the agent returns its own checks: without indexes and definition. */
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
  call.checkNamespace()
  return setStatus(call, status, body.string('Output'))
}

const worst = (statuses: readonly string[]): string =>
  ['maintenance', 'critical', 'warning'].find(status => statuses.includes(status)) ?? 'passing'

const codes: Readonly<Record<string, number>> = {passing: 200, warning: 429, critical: 503, maintenance: 503}

/** Returns a check in the form that Consul's Go client uses. This form lacks some fields. */
const printBriefly = (check: LocalCheck): Printable => ({
  Node: check.node,
  CheckID: check.id,
  Name: check.name,
  Status: check.status,
  Notes: check.notes,
  Output: check.output,
  ServiceID: check.serviceId,
  ServiceName: check.serviceName,
  ServiceTags: check.serviceTags ?? null,
  Type: '',
  Definition: emptyDefinition,
  CreateIndex: 0,
  ModifyIndex: 0,
})
const emptyDefinition = {
  Interval: '0s',
  Timeout: '0s',
  DeregisterCriticalServiceAfter: '0s',
  HTTP: '',
  Header: null,
  Method: '',
  Body: '',
  TLSSkipVerify: false,
  TCP: '',
}

interface Found {
  readonly status: string
  readonly printed: Printable
}

function healthOf({agent}: Call, service: LocalService): Found {
  const checks = [...agent.checks.values()].filter(check => check.serviceId === '' || check.serviceId === service.id)
  const status = worst(checks.map(({id, status}) => (/^_(node|service)_maintenance/.test(id) ? 'maintenance' : status)))
  const printed = {AggregatedStatus: status, Service: printLocalService(service), Checks: checks.map(printBriefly)}
  return {status, printed}
}

/** Answers with `reason` as text for `?format=text`, and with `body` as JSON otherwise. */
function healthReply(call: Call, reason: string, body: Printable, code = codes[reason] ?? 500): Reply {
  const headers = {'x-consul-reason': reason}
  if (!wantsText(call)) return jsonReply(body, headers, code)
  return {status: code, headers: {...headers, 'content-type': 'text/plain'}, body: reason}
}

const wantsText = (call: Call): boolean => call.query.get('format') === 'text'

function healthById(call: Call): Reply {
  if (call.rest === '') throw new HttpError(500, 'Bad request: Missing serviceID')
  call.checkNamespace()
  const service = call.agent.services.get(call.name)
  if (!service) {
    const reason = `ServiceId ${call.name} not found`
    const nothing = {AggregatedStatus: 'critical', Service: null, Checks: null}
    // As in Consul, even the text answer has the content type of JSON.
    return jsonReply(wantsText(call) ? reason : nothing, {'x-consul-reason': reason}, 404)
  }
  const {status, printed} = healthOf(call, service)
  return healthReply(call, status, printed)
}

function healthByName(call: Call): Reply {
  if (call.rest === '') throw new HttpError(500, 'Bad request: Missing service Name')
  call.checkNamespace()
  const found = [...call.agent.services.values()].filter(service => service.name === call.name)
  if (found.length === 0) return healthReply(call, `ServiceName ${call.name} Not Found`, [], 404)
  const entries = found.map(service => healthOf(call, service))
  const printed = entries.map(entry => entry.printed)
  return healthReply(call, worst(entries.map(entry => entry.status)), printed)
}

export const agentCheckRoutes: readonly Route[] = [
  put('/v1/agent/check/register', plain(registerCheck)),
  put('/v1/agent/check/deregister/', plain(deregister)),
  put(
    '/v1/agent/check/pass/',
    plain(call => setStatus(call, 'passing', call.query.get('note'))),
  ),
  put(
    '/v1/agent/check/warn/',
    plain(call => setStatus(call, 'warning', call.query.get('note'))),
  ),
  put(
    '/v1/agent/check/fail/',
    plain(call => setStatus(call, 'critical', call.query.get('note'))),
  ),
  put('/v1/agent/check/update/', update),
  get('/v1/agent/health/service/id/', healthById),
  get('/v1/agent/health/service/name/', healthByName),
]
