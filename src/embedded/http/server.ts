import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {BugError, messageOf} from '../../core/errors.js'
import type {LocalAgent} from '../agent/local-agent.js'
import type {Cluster} from '../cluster.js'
import type {Datacenter} from '../datacenter.js'
import {fromBytes} from '../go/bytes.js'
import {HttpError, RpcError} from '../refusals.js'
import {Call, ClientGone} from './call.js'
import {Connections, judgeHead} from './connections.js'
import {asNewer, refusePartition, unknownPath} from './newer.js'
import {cleanPath, decodePath, redirect} from './path.js'
import {parseQuery, type Query} from './query.js'
import {emptyReply, prettyReply, type Reply, textReply} from './reply.js'
import type {FindRoute, Route} from './route.js'
import {sendReply} from './send.js'

export interface HttpDoor extends AsyncDisposable {
  readonly port: number
  /** Cuts every open connection. */
  dropConnections(): void
}

export interface DoorOptions {
  readonly host: string
  readonly port: number
  readonly agent: LocalAgent
  readonly home: Datacenter
  readonly cluster: Cluster
  readonly findRoute: FindRoute
}

/** Maximum size of a request head in Go. It is large because paths contain keys. */
const longestHead = 1024 * 1024

/** Opens one agent's HTTP address. */
export async function openDoor(options: DoorOptions): Promise<HttpDoor> {
  const connections = new Connections()
  const settings = {keepAlive: true, noDelay: true, maxHeaderSize: longestHead, requireHostHeader: false}
  const server = createServer(settings, (request, response) => {
    connections.take(request, response, () => serve(options, request, response))
  })
  server.keepAliveTimeout = 0
  // Consul limits the size of the headers, but not their number.
  server.maxHeadersCount = 0
  connections.watch(server)
  await listen(server, options)
  return {
    port: (server.address() as AddressInfo).port,
    dropConnections: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, options: DoorOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({host: options.host, port: options.port, backlog: 1024}, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

async function serve(options: DoorOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => {})
  logRequest(options.cluster, request, response)
  request.on('error', () => {})
  try {
    await answer(options, request, response)
  } catch (error) {
    if (!(error instanceof ClientGone)) {
      options.cluster.logger.error({error: messageOf(error), url: request.url}, 'request failed')
    }
    if (response.headersSent || error instanceof ClientGone) response.destroy()
    else response.writeHead(500).end('internal error of the embedded agent')
  }
}

function logRequest({logger, clock}: Cluster, request: IncomingMessage, response: ServerResponse): void {
  const startedMs = clock.monotonicMs()
  response.once('close', () => {
    const url = (request.url ?? '').replace(/([?&;]token=)[^&;]*/g, '$1(hidden)')
    const ms = Math.round(clock.monotonicMs() - startedMs)
    const status = response.writableFinished ? response.statusCode : 'cut'
    logger.debug({method: request.method, url, status, ms}, 'request')
  })
}

async function answer(options: DoorOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedMs = options.cluster.clock.monotonicMs()
  const routed = route(request, options)
  if (!('found' in routed)) {
    await sendReply(request, response, routed)
    return
  }
  const {found, path, query} = routed
  const {agent, home, cluster} = options
  const call = new Call({request, query, path, rest: found.rest, agent, home, cluster})
  response.once('close', () => call.markGone())
  const faulty = await cluster.faults.intercept(call.method, fromBytes(path))
  if (faulty === 'drop') {
    response.destroy()
    return
  }
  const given = typeof faulty === 'object' ? textReply(faulty.status, faulty.body) : await handled(call, found.route)
  const reply = asNewer(call, path, given)
  const isTooLate = cluster.clock.monotonicMs() - startedMs > cluster.profile.longestAnswerMs
  if (faulty === 'drop answer' || isTooLate) {
    response.destroy()
    return
  }
  const shaped = query.has('pretty') ? prettyReply(reply) : reply
  await sendReply(request, response, {...shaped, headers: {...vary, ...shaped.headers}})
}

const vary = {vary: 'Accept-Encoding'}

interface Routed {
  readonly found: {readonly route: Route; readonly rest: string}
  readonly path: string
  readonly query: Query
}

/**
 * Matches the part of an absolute URL that precedes the path. Clients send such URLs to proxies.
 */
const wholeAddress = /^https?:\/\/[^/?]*/i

/**
 * Checks the path and the query in Consul's order. Returns an answer if the request needs no handler, otherwise the
 * route.
 */
function route(request: IncomingMessage, {cluster: {profile}, findRoute}: DoorOptions): Routed | Reply {
  const {method = 'GET'} = request
  const refusal = judgeHead(request)
  if (refusal) return refusal
  const url = (request.url ?? '/').replace(wholeAddress, '')
  const cut = url.indexOf('?')
  const [escaped, rawQuery] = cut < 0 ? [url, ''] : [url.slice(0, cut), url.slice(cut + 1)]
  if (method === 'OPTIONS' && url === '*') return emptyReply()
  const decoded = decodePath(escaped)
  if ('reply' in decoded) return decoded.reply
  const {path} = decoded
  const clean = cleanPath(path)
  if (clean !== path) return redirect(method, clean, rawQuery)
  const found = findRoute(path)
  if (found === undefined) return path === '/' ? textReply(200, 'Consul Agent') : unknownPath(profile, path)
  if (found === 'slash') return redirect(method, `${path}/`, rawQuery)
  const query = parseQuery(rawQuery)
  return query ? {found, path, query} : emptyReply(500, vary)
}

async function handled(call: Call, {methods, handle}: Route): Promise<Reply> {
  const allow = ['OPTIONS', ...methods].join(',')
  if (call.method === 'OPTIONS') return emptyReply(200, {allow})
  if (!methods.includes(call.method)) return textReply(405, `method ${call.method} not allowed`, {allow})
  try {
    refusePartition(call)
    return await handle(call)
  } catch (error) {
    if (error instanceof HttpError) return textReply(error.status, error.message, error.headers)
    if (error instanceof RpcError) return textReply(error.status, error.message)
    if (error instanceof ClientGone) throw error
    throw new BugError(`embedded agent: ${call.method} ${call.name} failed`, {cause: error})
  }
}
