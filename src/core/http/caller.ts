import {boolean, bytes, checkOptions, name, type OptionRule, object, oneOf} from '../check-options.js'
import {BatonError} from '../errors.js'
import {toWireDuration} from '../time/duration.js'
import type {
  BlockingReadOptions,
  CallOptions,
  Clock,
  ConsulIndex,
  Snapshot,
  Transport,
  TransportRequest,
  TransportResponse,
} from '../types.js'
import {toWritable} from '../writable-snapshot.js'
import {callRules} from './call-rules.js'
import type {Gap} from './types.js'
import {isConsulAbsence, toWireError} from './wire-errors.js'

/**
 * One request to Consul. In `query`, `undefined` leaves a parameter out, `true` sends it without a value, and a list
 * repeats it.
 */
export interface Call {
  /** The HTTP method. */
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Starts with `/v1/`, percent-encoded, without a query string. */
  readonly path: string
  /** Query parameters besides those that the options of the call add. */
  readonly query?: Readonly<Record<string, string | true | readonly string[] | undefined>>
  /** The body. @default no body */
  readonly body?: Uint8Array
  /** Returns memory for the body of the answer. @default new memory for each answer */
  readonly takeMemory?: ((bytes: number) => Buffer) | undefined
  /** Asks for a compressed body, which arrives decompressed. @default false */
  readonly compress?: boolean
  /** Statuses that count as success. @default [200] */
  readonly accept?: readonly number[]
}

/** A whole answer of Consul. */
export interface Answer {
  /** The HTTP status, one of the accepted statuses. */
  readonly status: number
  /** Headers by lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  /** The whole body. */
  readonly body: Buffer
  /** Monotonic time of sending in milliseconds. */
  readonly sentAtMs: number
}

/** Sends the requests of all typed endpoints. Never retries. */
export interface Caller {
  /**
   * Sends one request and resolves with the whole answer. Rejects with a UsageError for options that are not valid,
   * with a ConsulError for a status that is not accepted, and with a TransportError if no answer came.
   */
  call(call: Call, options?: BlockingReadOptions): Promise<Answer>
  /**
   * Prepares a request whose body has a gap, so that sending it takes as little time as possible. The returned function
   * sends the request, with this ASCII text at the end of the gap and spaces in front of the text. It can be called
   * once; otherwise it is like `call`.
   */
  prepare(
    call: Call & {readonly body: Uint8Array; readonly gap: Gap},
    options?: CallOptions,
  ): (text: string) => Promise<Answer>
}

export interface CallerOptions {
  readonly transport: Transport
  readonly clock: Clock
  /** Called before each request, so that a changed token file takes effect. */
  readonly token?: () => string | undefined
  /** Sent as basic authorization (CONSUL_HTTP_AUTH, `user:password`). */
  readonly auth?: string
  readonly defaults?: BlockingReadOptions
}

/**
 * Maximum time for an answer, and between the bytes of an answer, in milliseconds. It exceeds the 7 s for which a
 * server without a leader delays its answer.
 */
export const answerTimeoutMs = 15_000
const parkedSlackMs = 10_000

/**
 * Returns the longest time for which a server may delay the answer to a blocking query, plus slack for the network and
 * for the 7 s for which a server without a leader delays its answer.
 */
export const parkedTimeoutMs = (waitMs: number): number => (waitMs * 17) / 16 + parkedSlackMs

const statuses: OptionRule = {
  expected: 'an array of statuses',
  accepts: value => Array.isArray(value) && value.every(Number.isInteger),
}
const requestRules = {
  method: oneOf(['GET', 'PUT', 'POST', 'DELETE']),
  path: name,
  query: object,
  body: bytes,
  compress: boolean,
  accept: statuses,
}

export function createCaller(options: CallerOptions): Caller {
  const {transport, clock} = options
  const judge = async (call: Call, path: string, sent: TransportResponse): Promise<TransportResponse> => {
    const response = sent.headers.get('content-encoding') === 'gzip' ? await expand(sent) : sent
    const {status} = response
    if (!(call.accept ?? [200]).includes(status) || (status === 404 && !isConsulAbsence(response))) {
      throw toWireError({method: call.method, path}, response, clock.wallMs())
    }
    return response
  }
  return {
    async call(call, overrides = {}) {
      const request = toRequest(options, call, overrides)
      const sentAtMs = clock.monotonicMs()
      return {...(await judge(call, request.path, await transport.send(request))), sentAtMs}
    },
    prepare({gap, ...call}, overrides = {}) {
      checkOptions('call', {body: call.body, gap}, {body: bytes, gap: object}, ['body', 'gap'])
      const request = toRequest(options, call, overrides)
      const filled = (text: string): TransportRequest => {
        const body = Buffer.from(call.body)
        body.write(text.padStart(gap.length), gap.at, 'latin1')
        return toRequest(options, {...call, body}, overrides)
      }
      const send = transport.prepare?.(request, gap)
      return async text => {
        const sentAtMs = clock.monotonicMs()
        // The token may have been replaced in the meantime.
        const isCurrent = (overrides.token ?? options.token?.() ?? '') === (request.headers?.[tokenHeader] ?? '')
        const answer = await (send && isCurrent ? send(text) : transport.send(filled(text)))
        return {...(await judge(call, request.path, answer)), sentAtMs}
      }
    },
  }
}

function toRequest(options: CallerOptions, call: Call, overrides: BlockingReadOptions): TransportRequest {
  checkOptions('call', call, requestRules, ['method', 'path'])
  checkOptions(`${call.method} ${call.path}`, overrides, callRules)
  const settings = {...options.defaults, ...overrides}
  return {
    method: call.method,
    path: `${call.path}${toQuery(call, settings)}`,
    headers: toHeaders(options, call, settings),
    ...(call.body && {body: call.body}),
    ...(call.takeMemory && {takeMemory: call.takeMemory}),
    ...toLimits(call, settings),
    plane: settings.plane ?? (settings.index === undefined ? 'control' : 'watch'),
    ...(settings.signal && {signal: settings.signal}),
    ...(settings.onFirstByte && {onFirstByte: settings.onFirstByte}),
  }
}

/**
 * Size in bytes from which a compressed body is decompressed on another thread. For a shorter body, starting a thread
 * takes longer than decompressing.
 */
const longBody = 64 * 1024

const [leastChunk, mostChunk] = [64, 4 * 1024 * 1024]

/**
 * Returns the size of the expanded body, which a gzip file states at its end, within limits. Memory of that size takes
 * the whole body at once, which is a third faster than several pieces that are joined.
 */
function expandedSize(body: Buffer): number {
  const stated = body.length < 4 ? 0 : body.readUInt32LE(body.length - 4)
  return Math.min(Math.max(stated, leastChunk), mostChunk)
}

/**
 * Loads node:zlib only when a compressed body arrives, because most processes never receive one.
 */
async function expand(response: TransportResponse): Promise<TransportResponse> {
  const {gunzip, gunzipSync} = process.getBuiltinModule('node:zlib')
  try {
    const {body} = response
    if (body.length < longBody) return {...response, body: gunzipSync(body, {chunkSize: expandedSize(body)})}
    const expanded = await new Promise<Buffer>((resolve, reject) => {
      gunzip(body, (error, bytes) => (error ? reject(error) : resolve(bytes)))
    })
    return {...response, body: expanded}
  } catch (error) {
    throw new BatonError('BATON_BAD_ANSWER', 'the body of the answer is not the gzip that it says it is', {
      cause: error,
    })
  }
}

/**
 * Limits the time to the first byte and, for reads, the time between bytes, but not the time of a whole read, because a
 * list can have any size.
 */
function toLimits(
  {method}: Call,
  settings: BlockingReadOptions,
): Pick<TransportRequest, 'timeoutMs' | 'idleTimeoutMs'> {
  const {index, waitMs = 300_000, timeoutMs, idleTimeoutMs} = settings
  if (timeoutMs !== undefined) return {timeoutMs, ...(idleTimeoutMs !== undefined && {idleTimeoutMs})}
  return {
    timeoutMs: index === undefined ? answerTimeoutMs : parkedTimeoutMs(waitMs),
    ...(method === 'GET' && {idleTimeoutMs: idleTimeoutMs ?? answerTimeoutMs}),
  }
}

function toQuery(call: Call, settings: BlockingReadOptions): string {
  const parameters: [string, string | true | undefined][] = []
  for (const [name, value] of Object.entries(call.query ?? {})) {
    const values = typeof value === 'object' ? value : [value]
    parameters.push(...values.map((one): [string, string | true | undefined] => [name, one]))
  }
  parameters.push(['dc', settings.datacenter], ['ns', settings.namespace], ['partition', settings.partition])
  if (call.method === 'GET') {
    if (settings.consistency === 'consistent' || settings.consistency === 'stale') {
      parameters.push([settings.consistency, true])
    }
    if (settings.index !== undefined) parameters.push(['index', settings.index.toString()])
    if (settings.waitMs !== undefined) parameters.push(['wait', toWireDuration(settings.waitMs)])
  }
  const words = parameters
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => (value === true ? name : `${name}=${encodeURIComponent(value ?? '')}`))
  return words.length === 0 ? '' : `?${words.join('&')}`
}

const tokenHeader = 'x-consul-token'

function toHeaders(options: CallerOptions, {compress}: Call, settings: BlockingReadOptions): Record<string, string> {
  const token = settings.token ?? options.token?.()
  return {
    ...(token !== undefined && token !== '' && {[tokenHeader]: token}),
    ...(options.auth !== undefined && {authorization: `Basic ${Buffer.from(options.auth).toString('base64')}`}),
    ...(compress === true && {'accept-encoding': 'gzip'}),
  }
}

/** Builds a snapshot from a value and the headers of its answer. */
export function toSnapshot<T>(answer: Answer, value: T): Snapshot<T> {
  const index = answer.headers.get('x-consul-index')
  const leader = answer.headers.get('x-consul-knownleader')
  const contact = answer.headers.get('x-consul-lastcontact')
  return toWritable({
    value,
    index: index !== undefined && /^\d+$/.test(index) ? (BigInt(index) as ConsulIndex) : undefined,
    knownLeader: leader === undefined ? undefined : leader === 'true',
    lastContactMs: contact === undefined ? undefined : Number(contact),
    filteredByAcls: answer.headers.get('x-consul-results-filtered-by-acls') === 'true',
    sentAtMs: answer.sentAtMs,
  })
}

/** Returns the error for an answer that does not have Consul's form and probably comes from another program. */
export function badAnswer(what: string, answer: Answer, cause?: unknown): BatonError {
  const start = answer.body.toString('utf8', 0, 80).replaceAll(/\s+/g, ' ')
  return new BatonError('BATON_BAD_ANSWER', `${what}: the answer is not Consul's: ${start}`, {
    cause,
    hint: 'does the address belong to a Consul agent?',
  })
}
