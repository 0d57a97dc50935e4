import {serfHealth} from '../../core/consul-constants.js'
import type {Datacenter} from '../datacenter.js'
import {type Decoded, decodeObject, type Fields} from '../go/decode.js'
import {parseGoDuration} from '../go/duration.js'
import {JsonDecimal, JsonError, type JsonValue, parseGoJson} from '../go/json-parse.js'
import {type Printable, printJson} from '../go/json-print.js'
import {blockingRead, metaHeaders, refusedMeta} from '../http/blocking.js'
import {type Call, readParameters} from '../http/call.js'
import {jsonListReply, jsonReply, type Reply, textReply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import {badRequest, HttpError, RpcError} from '../refusals.js'
import {type SessionRow, sessionIdError} from '../store/sessions.js'
import {randomUuid} from '../uuid.js'

const fields: Fields = {
  ID: 'string',
  CreateIndex: 'uint64',
  ModifyIndex: 'uint64',
  Name: 'string',
  Node: 'string',
  LockDelay: 'any',
  Behavior: 'string',
  TTL: 'string',
  Checks: 'strings',
  NodeChecks: 'strings',
  ServiceChecks: {list: {ID: 'string', Namespace: 'string'}},
}
const defaultLockDelayNs = 15e9
const secondsBelow = 1000
const [shortestTtlMs, longestTtlMs] = [10_000, 24 * 3600_000]

const printSession = (row: SessionRow): Printable => ({
  ID: row.id,
  Name: row.name,
  Node: row.node,
  LockDelay: row.lockDelayNs,
  Behavior: row.behavior,
  TTL: row.ttl,
  NodeChecks: row.nodeChecks ?? null,
  ServiceChecks: row.serviceChecks?.map(id => ({ID: id, Namespace: ''})) ?? null,
  Checks: row.checks.length > 0 ? row.checks : undefined,
  CreateIndex: row.createIndex,
  ModifyIndex: row.modifyIndex,
})

/**
 * Parses a lock-delay: a duration as text, or a number, which means seconds if it is below 1000 and otherwise
 * nanoseconds.
 */
function lockDelayNs(value: JsonValue | undefined): number {
  if (value === undefined) return defaultLockDelayNs
  if (value instanceof JsonDecimal) return lockDelayNs(value.value)
  if (typeof value === 'number') return value < secondsBelow ? value * 1e9 : value
  if (typeof value !== 'string') return 0
  const parsed = parseGoDuration(value)
  if ('error' in parsed) throw new JsonError(parsed.error)
  return parsed.ns
}

type Draft = Omit<SessionRow, 'id' | 'createIndex' | 'modifyIndex' | 'ttlMs' | 'behavior'> & {readonly behavior: string}

const isGiven = (body: Decoded, name: string): boolean => body.has(name) || body.isNull(name)

/**
 * Returns the checks of a session. `Checks` and `NodeChecks` both default to `serfHealth`. If either is empty, the
 * session has none of these checks. As in Consul, `Checks` is dropped if it contains only `serfHealth`.
 */
function checksOf(body: Decoded): Pick<Draft, 'checks' | 'nodeChecks'> {
  const checks = isGiven(body, 'Checks') ? (body.strings('Checks') ?? []) : [serfHealth]
  const nodeChecks = isGiven(body, 'NodeChecks') ? body.strings('NodeChecks') : [serfHealth]
  if (checks.length === 0) return {checks: [], nodeChecks: []}
  const onlySerf = checks.length === 1 && checks[0] === serfHealth
  return {checks: onlySerf || (nodeChecks?.length ?? 0) === 0 ? [] : checks, nodeChecks}
}

function draftOf(body: Decoded, node: string): Draft {
  return {
    ...checksOf(body),
    name: body.string('Name'),
    node: body.has('Node') ? body.string('Node') : node,
    lockDelayNs: lockDelayNs(body.any('LockDelay')),
    behavior: body.string('Behavior'),
    ttl: body.string('TTL'),
    serviceChecks: body.list('ServiceChecks')?.map(check => check.string('ID')),
  }
}

async function create(call: Call): Promise<Reply> {
  call.checkNamespace()
  let draft: Draft
  try {
    const text = call.contentLength > 0 ? await call.textBody() : 'null'
    draft = draftOf(decodeObject(parseGoJson(text), fields, '', true), call.agent.node)
  } catch (error) {
    if (error instanceof JsonError) throw badRequest(`Request decode failed: ${error.message}`)
    throw error
  }
  const target = call.target()
  const row = await call.rpc(target, () => {
    call.demand('session', draft.node, 'write')
    return begin(target, draft)
  })
  return jsonReply({ID: row.id})
}

function begin(target: Datacenter, draft: Draft): SessionRow {
  const {state} = target
  if (draft.node === '') throw new RpcError('Must provide Node')
  const behavior = draft.behavior === '' ? 'release' : draft.behavior
  if (behavior !== 'release' && behavior !== 'delete') {
    throw new RpcError(`Invalid Behavior setting '${draft.behavior}'`)
  }
  const ttlMs = ttlOf(draft.ttl)
  return state.write(batch => {
    const node = state.catalog.node(draft.node)
    if (!node) throw new RpcError('Missing node registration')
    for (const id of [...draft.checks, ...(draft.nodeChecks ?? []), ...(draft.serviceChecks ?? [])]) {
      const check = state.catalog.check(draft.node, id)
      if (!check) throw new RpcError(`Missing check '${id}' registration`)
      if (check.status === 'critical') throw new RpcError(`Check '${id}' is in critical state`)
    }
    return state.beginSession(batch, {...draft, behavior, ttlMs, id: randomUuid(target.random)})
  })
}

function ttlOf(text: string): number {
  if (text === '') return 0
  const parsed = parseGoDuration(text)
  if ('error' in parsed) throw new RpcError(`Session TTL '${text}' invalid: ${parsed.error}`)
  const ms = parsed.ns / 1e6
  if (ms !== 0 && (ms < shortestTtlMs || ms > longestTtlMs)) {
    throw new RpcError(`Invalid Session TTL '${parsed.ns}', must be between [10s=24h0m0s]`)
  }
  return ms
}

const requireName = (call: Call, text: string): string => {
  if (call.rest === '') throw badRequest(text)
  return call.name
}

function requireId(id: string): void {
  const malformed = sessionIdError(id)
  if (malformed !== undefined) throw new RpcError(malformed)
}

async function destroy(call: Call): Promise<Reply> {
  call.checkNamespace()
  const id = requireName(call, 'Missing session')
  const target = call.target()
  await call.rpc(target, ({state}) => {
    requireId(id)
    const row = state.sessions.get(id)
    if (row) call.demand('session', row.node, 'write')
    state.write(batch => {
      if (row) state.endSession(batch, row)
    })
  })
  return jsonReply(true)
}

async function renew(call: Call): Promise<Reply> {
  call.checkNamespace()
  const id = requireName(call, 'Missing session')
  const target = call.target()
  const row = await call.rpc(target, ({state}) => {
    requireId(id)
    const row = state.sessions.get(id)
    if (row) call.demand('session', row.node, 'write')
    return row
  })
  if (!row) return textReply(404, `Session id '${id}' not found`)
  target.armTtl(row)
  return jsonReply([printSession(row)])
}

async function readSessions(
  call: Call,
  topics: readonly string[],
  read: (target: Datacenter) => readonly SessionRow[],
): Promise<Reply> {
  const parameters = readParameters(call)
  return await withMetaOnRefusal(async () => {
    const target = call.target()
    const {value: rows, index} = await call.rpc(target, ({state}) => {
      const {may} = call
      return blockingRead(call, target, {
        parameters,
        watch: {topics},
        read: () => ({
          value: read(target).filter(row => may.can('session', row.node, 'read')),
          index: state.sessions.tableIndex,
        }),
      })
    })
    return jsonListReply(rows, row => printJson(printSession(row)), metaHeaders(index))
  })
}

/**
 * If the servers refuse a request, adds the index and leader headers to the answer, as Consul does for reads of
 * sessions, catalog and health.
 */
export async function withMetaOnRefusal(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RpcError) throw new HttpError(error.status, error.message, refusedMeta)
    if (error instanceof HttpError && error.status === 500) throw new HttpError(500, error.message, refusedMeta)
    throw error
  }
}

const info = (call: Call): Promise<Reply> => {
  const id = call.name
  return readSessions(call, [`session:${id.toLowerCase()}`], ({state}) => {
    requireId(id)
    const row = state.sessions.get(id)
    return row ? [row] : []
  })
}

const named = (text: string, handle: (call: Call) => Promise<Reply>) => (call: Call) => {
  readParameters(call)
  requireName(call, text)
  return handle(call)
}

export const sessionRoutes: readonly Route[] = [
  put('/v1/session/create', create),
  put('/v1/session/destroy/', destroy),
  put('/v1/session/renew/', renew),
  get('/v1/session/info/', named('Missing session', info)),
  get('/v1/session/list', call => readSessions(call, ['sessions'], ({state}) => state.sessions.list())),
  get(
    '/v1/session/node/',
    named('Missing node name', call =>
      readSessions(call, [`session-node:${call.name.toLowerCase()}`], ({state}) => state.sessions.ofNode(call.name)),
    ),
  ),
]
