import {valueLimitBytes} from '../../core/consul-constants.js'
import type {Authorizer} from '../acl/authorizer.js'
import type {Datacenter} from '../datacenter.js'
import {type Decoded, decodeObject, type Fields, kindOf} from '../go/decode.js'
import {JsonError, parseGoJson} from '../go/json-parse.js'
import {printString} from '../go/json-print.js'
import {contactHeaders} from '../http/blocking.js'
import {type Call, readParameters} from '../http/call.js'
import {type Reply} from '../http/reply.js'
import {put, type Route} from '../http/route.js'
import {badRequest, HttpError, RpcError} from '../refusals.js'
import {nodeFields, serviceFields} from './catalog-write.js'
import {txnCheckFields} from './check-body.js'
import {applyCatalog, catalogPreCheck} from './txn-catalog.js'
import {applyKv, kvPreCheck} from './txn-kv.js'
import type {Operation} from './txn-operation.js'

const readVerbs = new Set(['get', 'get-tree', 'check-index', 'check-session', 'check-not-exists'])
const writeVerbs = new Set(['set', 'cas', 'lock', 'unlock', 'delete', 'delete-cas', 'delete-tree'])
const operationFields: Fields = {
  KV: {
    object: {
      Verb: 'string',
      Key: 'string',
      Value: 'bytes',
      Flags: 'uint64',
      Index: 'uint64',
      Session: 'string',
      Namespace: 'string',
    },
  },
  Node: {object: {Verb: 'string', Node: {object: nodeFields}}},
  Service: {object: {Verb: 'string', Node: 'string', Service: {object: serviceFields}}},
  Check: {object: {Verb: 'string', Check: {object: txnCheckFields}}},
}

interface Refused {
  readonly at: number
  readonly what: string
}

const see = 'See https://www.consul.io/docs/agent/options.html#txn_max_req_len.'

async function readOperations(call: Call): Promise<Operation[]> {
  if (call.contentLength > valueLimitBytes) {
    throw new HttpError(
      413,
      `Request body(${call.contentLength} bytes) too large, max size: ${valueLimitBytes} bytes. ${see}`,
    )
  }
  const body = await call.body(valueLimitBytes)
  if (!body) throw new HttpError(413, `Request body too large, max size: ${valueLimitBytes} bytes. ${see}`)
  const given = parseOperations(body.toString('utf8'))
  const {mostTxnOperations: mostOperations} = call.cluster.profile
  if (given.length > mostOperations) {
    throw new HttpError(413, `Transaction contains too many operations (${given.length} > ${mostOperations})`)
  }
  const operations: Operation[] = []
  for (const one of given) {
    const kind = (['KV', 'Node', 'Service', 'Check'] as const).find(name => one.has(name))
    const body = kind && one.object(kind)
    if (body) operations.push({kind, verb: body.string('Verb'), body})
  }
  return operations
}

function parseOperations(text: string): Decoded[] {
  try {
    const value = parseGoJson(text)
    if (value === null) return []
    if (!Array.isArray(value)) {
      throw new JsonError(`json: cannot unmarshal ${kindOf(value)} into Go value of type api.TxnOps`)
    }
    return value.map(item => decodeObject(item, operationFields))
  } catch (error) {
    if (error instanceof JsonError) throw badRequest(`Failed to parse body: ${error.message}`)
    throw error
  }
}

/**
 * True if the operation only reads. A transaction that contains only such operations is served as a read. As in Consul,
 * an unknown KV verb counts as a read.
 */
const isRead = ({kind, verb}: Operation): boolean =>
  kind === 'KV' ? !writeVerbs.has(verb) || readVerbs.has(verb) : verb === 'get'

async function txn(call: Call): Promise<Reply> {
  const operations = await readOperations(call)
  const reading = operations.every(isRead)
  if (reading) readParameters(call, false)
  const target = call.target()
  const outcome = await call.rpc(target, () => run({target, may: call.may}, operations, reading))
  const status = outcome.refused.length > 0 ? 409 : 200
  const results = outcome.refused.length > 0 ? 'null' : `[${outcome.results.join(',')}]`
  const errors =
    outcome.refused.length > 0
      ? `[${outcome.refused.map(({at, what}) => `{"OpIndex":${at},"What":${printString(what)}}`).join(',')}]`
      : 'null'
  const meta = reading ? ',"Index":0,"LastContact":0,"KnownLeader":true,"ConsistencyLevel":""' : ''
  return {
    status,
    headers: {'content-type': 'application/json', ...(reading ? contactHeaders : {})},
    body: `{"Results":${results},"Errors":${errors}${meta}}`,
  }
}

interface Outcome {
  readonly results: readonly string[]
  readonly refused: readonly Refused[]
}

/** The datacenter in which a transaction runs, and the permissions of its token. */
interface Place {
  readonly target: Datacenter
  readonly may: Authorizer
}

class RolledBack extends Error {}

function run({target, may}: Place, operations: readonly Operation[], reading: boolean): Outcome {
  const early = collect(operations, operation =>
    operation.kind === 'KV' ? kvPreCheck(target, may, operation) : catalogPreCheck(may, operation),
  )
  if (early.length > 0) return {results: [], refused: early}
  const results: string[] = []
  let refused: readonly Refused[] = []
  const command = (batch: Parameters<typeof applyKv>[0]): void => {
    refused = collect(operations, operation => {
      results.push(
        ...(operation.kind === 'KV'
          ? applyKv(batch, {target, may}, operation)
          : applyCatalog(batch, target, operation)),
      )
    })
    if (refused.length > 0) throw new RolledBack()
  }
  try {
    if (reading) target.state.peek(command)
    else target.state.write(command)
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error
  }
  return {results, refused}
}

/** Calls `attempt` for every operation, and returns the refusals. */
function collect(operations: readonly Operation[], attempt: (operation: Operation) => void): Refused[] {
  const refused: Refused[] = []
  for (const [at, operation] of operations.entries()) {
    try {
      attempt(operation)
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      refused.push({at, what: error.message})
    }
  }
  return refused
}

export const txnRoutes: readonly Route[] = [put('/v1/txn', txn)]
