import {isIP} from 'node:net'
import type {LocalAgent, LocalCheck, LocalService} from '../agent/local-agent.js'
import type {Probe, ProbeTarget} from '../checks/probe.js'
import type {Decoded, Fields} from '../go/decode.js'
import type {Call} from '../http/call.js'
import {emptyReply, type Reply} from '../http/reply.js'
import {metaError} from '../meta.js'
import {badRequest, HttpError, RpcError} from '../refusals.js'
import {decodeBody} from './body.js'
import {givenWeights, serviceDraft, weightsError} from './catalog-write.js'
import {connectFields, refuseConnect} from './unserved.js'

const checkKinds: Fields = {
  Name: 'string',
  Notes: 'string',
  Status: 'string',
  Interval: 'duration',
  Timeout: 'duration',
  TTL: 'duration',
  DeregisterCriticalServiceAfter: 'duration',
  HTTP: 'string',
  Header: 'lists',
  Method: 'string',
  Body: 'string',
  TCP: 'string',
  GRPC: 'string',
  GRPCUseTLS: 'bool',
  TLSServerName: 'string',
  TLSSkipVerify: 'bool',
  Args: 'strings',
  ScriptArgs: 'strings',
  DockerContainerID: 'string',
  Shell: 'string',
  AliasNode: 'string',
  AliasService: 'string',
  OutputMaxSize: 'int',
  SuccessBeforePassing: 'int',
  FailuresBeforeCritical: 'int',
  ProxyHTTP: 'string',
  ProxyGRPC: 'string',
}
const serviceCheckFields: Fields = {...checkKinds, CheckID: 'string'}
const checkFields: Fields = {...checkKinds, ID: 'string', ServiceID: 'string', Namespace: 'string', Token: 'string'}
const serviceFields: Fields = {
  Kind: 'string',
  ID: 'string',
  Name: 'string',
  Tags: 'strings',
  Address: 'string',
  TaggedAddresses: {mapOf: {Address: 'string', Port: 'int'}},
  Meta: 'map',
  Port: 'int',
  Check: {object: serviceCheckFields},
  Checks: {list: serviceCheckFields},
  Weights: {object: {Passing: 'int', Warning: 'int'}},
  Token: 'string',
  EnableTagOverride: 'bool',
  ...connectFields,
}
const statuses = new Set(['', 'passing', 'warning', 'critical'])
const anyAddress = new Set(['0.0.0.0', '::', '[::]'])

/** Throws if the token may not write the service or node. The error names the missing permission. */
export function demandNamed(call: Call, resource: 'service' | 'node', name: string): void {
  if (!call.may.can(resource, name, 'write')) {
    throw new RpcError(`Permission denied: Missing ${resource}:write on ${name}`)
  }
}

/** Throws for an unknown ID if Consul does so: from version 1.11 on, and in older versions if ACLs are enabled. */
export function refuseUnknown({cluster, name}: Call, kind: 'service' | 'check'): void {
  const id = JSON.stringify(name)
  if (cluster.profile.namesUnknown) {
    const hint = `Ensure that the ${kind} ID is passed, not the ${kind} name.`
    throw new HttpError(404, `Unknown ${kind} ID ${id}. ${hint}`)
  }
  if (cluster.acl) throw new HttpError(500, kind === 'service' ? `Unknown service {${id} {}}` : `Unknown check ${id}`)
}

const isEmpty = (check: Decoded): boolean => Object.keys(serviceCheckFields).every(name => !check.has(name))

/** Returns the type of a check. Throws if its fields define no type or contradict each other. */
function kindOf(check: Decoded): string {
  const refuse = (why: string): never => {
    throw badRequest(`Invalid check: ${why}`)
  }
  const [ttl, interval] = [check.duration('TTL'), check.duration('Interval')]
  const kinds: readonly (readonly [string, boolean])[] = [
    ['http', check.string('HTTP') !== ''],
    ['tcp', check.string('TCP') !== ''],
    ['grpc', check.string('GRPC') !== ''],
    ['docker', check.string('DockerContainerID') !== ''],
    ['script', check.has('Args') || check.has('ScriptArgs')],
  ]
  const periodic = kinds.find(([, given]) => given)?.[0]
  const isAlias = check.string('AliasNode') !== '' || check.string('AliasService') !== ''
  if (interval > 0 && ttl > 0) return refuse('Interval and TTL cannot both be specified')
  if (periodic !== undefined && interval <= 0) {
    return refuse('Interval must be > 0 for Script, HTTP, or TCP checks')
  }
  if (periodic !== undefined && isAlias) return refuse('Interval cannot be set for Alias checks')
  if (isAlias && ttl > 0) return refuse('TTL must be not be set for Alias checks')
  if (periodic === undefined && !isAlias && ttl <= 0) return refuse('TTL must be > 0 for TTL checks')
  if (check.int('OutputMaxSize') < 0) return refuse('MaxOutputMaxSize must be positive')
  return isAlias ? 'alias' : (periodic ?? 'ttl')
}

interface CheckIdentity {
  readonly id: string
  readonly name: string
  readonly service: LocalService | undefined
}

function localCheck(agent: LocalAgent, body: Decoded, identity: CheckIdentity): LocalCheck {
  const kind = kindOf(body)
  const {service} = identity
  if (kind === 'docker' || (kind === 'script' && !agent.home.runScript)) {
    throw new HttpError(
      500,
      "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true",
    )
  }
  return {
    node: agent.node,
    id: identity.id,
    name: identity.name,
    status: body.string('Status') || 'critical',
    notes: body.string('Notes'),
    output: '',
    serviceId: service?.id ?? '',
    serviceName: service?.name ?? '',
    serviceTags: service?.tags,
    type: kind,
    definition: new Map(),
    ttlMs: kind === 'ttl' ? body.duration('TTL') / 1e6 : 0,
    probe: probeOf(kind, body),
    deregisterAfterMs: body.duration('DeregisterCriticalServiceAfter') / 1e6,
  }
}

const defaultTimeoutMs = 10_000
const defaultScriptTimeoutMs = 30_000

function probeOf(kind: string, body: Decoded): Probe | undefined {
  const target = targetOf(kind, body)
  const defaultMs = kind === 'script' ? defaultScriptTimeoutMs : defaultTimeoutMs
  const timeoutMs = body.duration('Timeout') / 1e6 || defaultMs
  return target && {target, intervalMs: body.duration('Interval') / 1e6, timeoutMs}
}

function targetOf(kind: string, body: Decoded): ProbeTarget | undefined {
  if (kind === 'tcp') return {kind, address: body.string('TCP')}
  if (kind === 'http') {
    const headers = headersOf(body)
    return {kind, url: body.string('HTTP'), method: body.string('Method') || 'GET', headers, body: body.string('Body')}
  }
  const [file, ...words] = body.strings('Args') ?? body.strings('ScriptArgs') ?? []
  return kind === 'script' && file !== undefined ? {kind, args: [file, ...words]} : undefined
}

const headersOf = (body: Decoded): [string, string][] =>
  [...(body.lists('Header') ?? [])].flatMap(([name, values]) => values.map((value): [string, string] => [name, value]))

/**
 * Returns the tagged addresses of the service. If it has none and its address is an IP address, returns this address
 * under the LAN and WAN tags for IPv4 or IPv6.
 */
function familyAddresses(service: LocalService): LocalService['taggedAddresses'] {
  const family = isIP(service.address)
  if (service.taggedAddresses || family === 0) return service.taggedAddresses
  const at = {address: service.address, port: service.port}
  return new Map([
    [`lan_ipv${family}`, at],
    [`wan_ipv${family}`, at],
  ])
}

function checkMeta(body: Decoded): void {
  const wrong = metaError(body.map('Meta') ?? new Map<string, string>())
  if (wrong !== undefined) throw badRequest(`Invalid Service Meta: ${wrong}`)
}

export async function registerService(call: Call): Promise<Reply> {
  const {agent} = call
  const body = await decodeBody(call, serviceFields)
  const name = body.string('Name')
  if (name === '') throw badRequest('Missing service name')
  refuseConnect(call, body)
  if (anyAddress.has(body.string('Address'))) throw badRequest('Invalid service address')
  const single = body.object('Check')
  const given = [...(single && !isEmpty(single) ? [single] : []), ...(body.list('Checks') ?? [])]
  const weights = body.object('Weights')
  const wrong = weights && weightsError(givenWeights(weights))
  if (wrong !== undefined) throw badRequest(`Invalid Weights: ${wrong}`)
  const plain: LocalService = {...serviceDraft(agent.node, body), id: body.string('ID') || name, name}
  const service = {...plain, taggedAddresses: familyAddresses(plain)}
  checkMeta(body)
  for (const check of given) kindOf(check)
  for (const check of given) {
    if (!statuses.has(check.string('Status'))) {
      throw badRequest("Status for checks must 'passing', 'warning', 'critical'")
    }
  }
  const checks = given.map((check, at) => {
    const number = given.length > 1 ? `:${at + 1}` : ''
    const id = check.string('CheckID') || `service:${service.id}${number}`
    return localCheck(agent, check, {id, name: check.string('Name') || `Service '${name}' check`, service})
  })
  demandNamed(call, 'service', name)
  const registered = new Set(checks.map(check => check.id))
  agent.putService(
    service,
    checks.map(check => keepStatus(agent, check)),
  )
  if (!replacesChecks(call)) return emptyReply()
  const before = [...agent.checks.values()].filter(check => check.serviceId === service.id)
  for (const {id} of before) if (!registered.has(id)) agent.removeCheck(id)
  return emptyReply()
}

const replacesChecks = ({query}: Call): boolean =>
  query.has('replace-existing-checks') && ['', 'true'].includes(query.get('replace-existing-checks'))

/**
 * Returns the check to register. As in Consul, it keeps the status and output of a registered check with the same ID.
 */
function keepStatus(agent: LocalAgent, check: LocalCheck): LocalCheck {
  const known = agent.checks.get(check.id)
  return known ? {...check, status: known.status, output: known.output} : check
}

export async function registerCheck(call: Call): Promise<Reply> {
  const {agent} = call
  const body = await decodeBody(call, checkFields)
  const name = body.string('Name')
  if (name === '') throw badRequest('Missing check name')
  if (!statuses.has(body.string('Status'))) throw badRequest('Bad check status')
  kindOf(body)
  const serviceId = body.string('ServiceID')
  const service = agent.services.get(serviceId)
  if (serviceId !== '' && !service) throw new HttpError(500, `ServiceID ${JSON.stringify(serviceId)} does not exist`)
  if (service) demandNamed(call, 'service', service.name)
  else demandNamed(call, 'node', agent.node)
  agent.putCheck(keepStatus(agent, localCheck(agent, body, {id: body.string('ID') || name, name, service})))
  return emptyReply()
}
