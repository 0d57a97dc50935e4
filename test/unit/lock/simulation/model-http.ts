import type {KvOperation, SessionId, TransportRequest} from '../../../../src/core/types.js'
import type {FakeAnswer} from '../../../kit/fake-transport.js'
import type {ModelConsul, ModelKey} from './model-consul.js'

const toJson = ({key, value, flags, session, createIndex, modifyIndex, lockIndex}: ModelKey): string =>
  `{"Key":${JSON.stringify(key)},"Value":"${value.toString('base64')}","Flags":${flags},` +
  (session === undefined ? '' : `"Session":"${session}",`) +
  `"CreateIndex":${createIndex},"ModifyIndex":${modifyIndex},"LockIndex":${lockIndex}}`

const seconds = (text: unknown): number => {
  const [, digits = '', unit] = /^([\d.]+)(ms|s)$/.exec(String(text)) ?? []
  return unit === 's' ? Number(digits) * 1000 : Number(digits)
}

/** Answers a request as Consul's HTTP API does, as far as locks use it. */
export async function answerAsConsul(
  consul: ModelConsul,
  request: TransportRequest,
  facts: {readonly isServer: boolean},
): Promise<FakeAnswer> {
  const {pathname, searchParams: query} = new URL(request.path, 'http://model')
  const last = decodeURIComponent(pathname.slice(pathname.lastIndexOf('/') + 1)) as SessionId
  const body = request.body === undefined ? '' : Buffer.from(request.body).toString()
  if (pathname === '/v1/txn') return answerTransaction(consul, body, query.has('consistent'))
  if (pathname.startsWith('/v1/kv/')) return readKey(consul, decodeURIComponent(pathname.slice(7)), query)
  if (pathname === '/v1/session/create') {
    const {TTL, LockDelay, Behavior, Name = ''} = JSON.parse(body) as Record<string, string>
    const ID = consul.createSession({
      ttlMs: seconds(TTL),
      lockDelayMs: seconds(LockDelay),
      behavior: Behavior ?? 'release',
      name: Name,
    })
    return {body: {ID}}
  }
  if (pathname.startsWith('/v1/session/renew/')) {
    if (consul.renewSession(last)) return {body: [toSession(last)]}
    return {status: 404, body: `Session id '${last}' not found`}
  }
  if (pathname.startsWith('/v1/session/destroy/')) {
    consul.endSession(last)
    return {body: 'true'}
  }
  if (pathname.startsWith('/v1/session/info/')) {
    return {body: consul.sessions.has(last) ? [toSession(last)] : [], headers: {'x-consul-index': '1'}}
  }
  if (pathname === '/v1/session/list') {
    const sessions = [...consul.sessions.values()]
    return {body: sessions.map(({id, name}) => ({...toSession(id), Name: name})), headers: {'x-consul-index': '1'}}
  }
  if (pathname.startsWith('/v1/catalog/node/')) return {body: 'null', headers: {'x-consul-index': '1'}}
  if (pathname === '/v1/agent/self') {
    return {body: {Config: {Datacenter: 'dc1', NodeName: 'n', Version: '1.8.7', Server: facts.isServer}, Member: {}}}
  }
  throw new Error(`the model does not serve ${request.path}`)
}

/** Returns the answer as it arrives on a connection, without the headers. */
export function toBytes({status = 200, body}: FakeAnswer): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} \r\n\r\n${typeof body === 'string' ? body : JSON.stringify(body)}`)
}

const toSession = (ID: string): object => ({
  ID,
  Name: '',
  Node: 'n',
  LockDelay: 0,
  Behavior: 'delete',
  TTL: '15s',
  CreateIndex: 1,
})

async function readKey(consul: ModelConsul, key: string, query: URLSearchParams): Promise<FakeAnswer> {
  const index = query.get('index')
  const isConsistent = query.has('consistent')
  if (index !== null) {
    await new Promise<void>(resolve => consul.park(key, Number(index), seconds(query.get('wait')), resolve))
  }
  const entry = consul.look(isConsistent).get(key)
  const headers = {'x-consul-index': String(entry?.modifyIndex ?? consul.index), 'x-consul-knownleader': 'true'}
  return entry ? {headers, body: `[${toJson(entry)}]`} : {status: 404, headers, body: ''}
}

interface WireOperation {
  readonly KV: Readonly<Record<string, string | number>> & {readonly Verb: string; readonly Key: string}
}

function answerTransaction(consul: ModelConsul, body: string, isConsistent: boolean): FakeAnswer {
  // Flags have more digits than a JavaScript number can represent.
  const wire = JSON.parse(body.replaceAll(/"Flags":(\d+)/g, '"Flags":"$1"')) as WireOperation[]
  const results = (entries: readonly ModelKey[]): string =>
    `{"Results":[${entries.map(entry => `{"KV":${toJson(entry)}}`).join(',')}],"Errors":null}`
  if (wire.every(({KV}) => KV.Verb === 'get-tree')) {
    const keys = [...consul.look(isConsistent).values()]
    return {body: results(wire.flatMap(({KV}) => keys.filter(({key}) => key.startsWith(KV.Key))))}
  }
  const operations = wire.map(({KV}) => ({
    verb: KV.Verb,
    key: KV.Key,
    ...(KV['Value'] !== undefined && {value: Buffer.from(String(KV['Value']), 'base64')}),
    ...(KV['Flags'] !== undefined && {flags: BigInt(KV['Flags'])}),
    ...(KV['Session'] !== undefined && {session: KV['Session']}),
    ...(KV['Index'] !== undefined && {index: BigInt(KV['Index'])}),
  })) as readonly KvOperation[]
  const {refused, written} = consul.commit(operations)
  if (refused.length === 0) return {body: results(written)}
  return {
    status: 409,
    body: {Results: null, Errors: refused.map(({opIndex, what}) => ({OpIndex: opIndex, What: what}))},
  }
}
