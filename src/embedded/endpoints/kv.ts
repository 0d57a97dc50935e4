import {valueLimitBytes} from '../../core/consul-constants.js'
import {allowAll} from '../acl/authorizer.js'
import type {Datacenter} from '../datacenter.js'
import {fromBytes, toBytes} from '../go/bytes.js'
import {blockingRead, metaHeaders} from '../http/blocking.js'
import {type Call, readParameters} from '../http/call.js'
import {emptyReply, jsonListReply, jsonReply, type Reply} from '../http/reply.js'
import type {Route} from '../http/route.js'
import {badRequest, HttpError, permissionDenied, RpcError} from '../refusals.js'
import type {KvWrite} from '../store/kv.js'
import {sessionIdError} from '../store/sessions.js'
import {printKey, printRow} from './kv-print.js'

/** Throws if the imitated version refuses the key. */
export function checkKeyName({profile}: Datacenter, key: string): void {
  const refusal = key === '' ? undefined : profile.refuseKey(key)
  if (refusal !== undefined) throw new RpcError(refusal)
}

function handle(call: Call): Promise<Reply> {
  if (call.method === 'GET') return read(call)
  return call.method === 'PUT' ? write(call) : remove(call)
}

async function read(call: Call): Promise<Reply> {
  const parameters = readParameters(call)
  if (call.query.has('keys')) return await readKeys(call, parameters)
  if (call.query.has('recurse')) return await readTree(call, parameters)
  if (call.rest === '') throw badRequest('Missing key name')
  const key = call.rest
  const target = call.target()
  checkKeyName(target, call.name)
  const {value: row, index} = await call.rpc(target, ({state}) => {
    call.demand('key', call.name, 'read')
    return blockingRead(call, target, {
      parameters,
      watch: {keys: [key]},
      read: () => {
        const found = state.kv.get(key)
        return {value: found, index: found?.modifyIndex ?? state.kv.tableIndex, found: found !== undefined}
      },
    })
  })
  if (!row) return emptyReply(404, metaHeaders(index))
  if (!call.query.has('raw')) return jsonListReply([row], one => printRow(one), metaHeaders(index))
  const headers = {
    ...metaHeaders(index),
    'content-type': 'text/plain',
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
  }
  return {status: 200, headers, body: row.value}
}

type Parameters = ReturnType<typeof readParameters>

async function readTree(call: Call, parameters: Parameters): Promise<Reply> {
  const {rows, index} = await listBelow(call, parameters)
  if (rows.length === 0) return emptyReply(404, metaHeaders(index))
  return jsonListReply(rows, row => printRow(row), metaHeaders(index))
}

async function readKeys(call: Call, parameters: Parameters): Promise<Reply> {
  const {rows, index} = await listBelow(call, parameters)
  const separator = toBytes(call.query.get('separator') || call.query.get('seperator'))
  const keys = folded(
    rows.map(row => row.key),
    call.rest,
    separator,
  )
  if (keys.length === 0 && call.rest !== '') return emptyReply(404, metaHeaders(index))
  return jsonListReply(keys, printKey, metaHeaders(index))
}

async function listBelow(call: Call, parameters: Parameters) {
  const prefix = call.rest
  const target = call.target()
  checkKeyName(target, call.name)
  const {value: rows, index} = await call.rpc(target, ({state}) => {
    const {may} = call
    return blockingRead(call, target, {
      parameters,
      watch: {prefixes: [prefix]},
      read: () => {
        const {rows, index} = state.kv.list(prefix)
        const visible = may === allowAll ? rows : rows.filter(row => may.can('key', fromBytes(row.key), 'read'))
        return {value: visible, index, found: rows.length > 0}
      },
    })
  })
  return {rows, index}
}

/** Cuts each key after the first separator that follows the prefix, and drops duplicates. */
function folded(keys: readonly string[], prefix: string, separator: string): readonly string[] {
  if (separator === '') return keys
  const result: string[] = []
  for (const key of keys) {
    const at = key.indexOf(separator, prefix.length)
    const cut = at < 0 ? key : key.slice(0, at + separator.length)
    if (result.at(-1) !== cut) result.push(cut)
  }
  return result
}

const conflict = (call: Call, names: readonly string[]): void => {
  if (names.filter(name => call.query.has(name)).length > 1) {
    throw badRequest(`Conflicting flags: ${call.query.encode()}`)
  }
}

function unsigned(call: Call, name: string): bigint {
  if (!call.query.has(name)) return 0n
  const text = call.query.get(name)
  if (!/^\d+$/.test(text))
    throw new HttpError(500, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = BigInt(text)
  if (value < 2n ** 64n) return value
  throw new HttpError(500, `strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`)
}

async function write(call: Call): Promise<Reply> {
  call.checkNamespace()
  if (call.rest === '') throw badRequest('Missing key name')
  conflict(call, ['cas', 'acquire', 'release'])
  const flags = unsigned(call, 'flags')
  const cas = unsigned(call, 'cas')
  if (call.contentLength > valueLimitBytes) {
    throw new HttpError(
      413,
      `Request body(${call.contentLength} bytes) too large, max size: ${valueLimitBytes} bytes. See https://www.consul.io/docs/agent/options.html#kv_max_value_size.`,
    )
  }
  const value = await call.body()
  if (value === undefined) throw new HttpError(413, `Request body too large`)
  const put: KvWrite = {key: call.rest, value, flags}
  const target = call.target()
  checkKeyName(target, call.name)
  const done = await call.rpc(target, () => {
    call.demand('key', call.name, 'write')
    return apply(call, target, put, cas)
  })
  return jsonReply(done)
}

function apply(call: Call, target: Datacenter, put: KvWrite, cas: bigint): boolean {
  const {state} = target
  const {query} = call
  if (query.has('acquire')) return acquire(target, put, query.get('acquire'))
  if (query.has('release')) return release(target, put, query.get('release'))
  if (query.has('cas')) return state.write(batch => state.kv.cas(batch, put, cas) !== undefined)
  state.write(batch => state.kv.put(batch, put))
  return true
}

function acquire(target: Datacenter, put: KvWrite, session: string): boolean {
  const {state} = target
  if (target.lockDelays.inForce(put.key)) return false
  return state.write(batch => {
    requireSession(target, session)
    return state.kv.lock(batch, put, session.toLowerCase()) !== undefined
  })
}

function release({state}: Datacenter, put: KvWrite, session: string): boolean {
  return state.write(batch => {
    if (session === '') throw new RpcError('missing session')
    return state.kv.unlock(batch, put, session) !== undefined
  })
}

/** Throws the servers' refusal if the session does not exist, because only an existing session can hold a key. */
export function requireSession({state}: Datacenter, session: string): void {
  if (session === '') throw new RpcError('missing session')
  const malformed = sessionIdError(session)
  if (malformed !== undefined) throw new RpcError(malformed)
  if (!state.sessions.get(session)) throw new RpcError(`invalid session ${JSON.stringify(session)}`)
}

async function remove(call: Call): Promise<Reply> {
  call.checkNamespace()
  const recurse = call.query.has('recurse')
  if (!recurse && call.rest === '') throw badRequest('Missing key name')
  conflict(call, ['recurse', 'cas'])
  const cas = unsigned(call, 'cas')
  const target = call.target()
  checkKeyName(target, call.name)
  const done = await call.rpc(target, ({state}) => {
    if (!recurse) call.demand('key', call.name, 'write')
    else if (!call.may.canWriteBelow(call.name)) throw permissionDenied()
    return state.write(batch => {
      if (call.query.has('cas')) return state.kv.deleteCas(batch, call.rest, cas)
      if (recurse) state.kv.deleteTree(batch, call.rest)
      else state.kv.delete(batch, call.rest)
      return true
    })
  })
  return jsonReply(done)
}

export const kvRoutes: readonly Route[] = [
  {
    path: '/v1/kv/',
    methods: ['GET', 'PUT', 'DELETE'],
    handle,
  },
]
