import type {IncomingMessage, ServerResponse} from 'node:http'
import type {Clock} from '../../core/types.js'
import type {ServiceDirectory} from '../directory.js'
import {streamFrames} from './event-stream.js'
import {createMetrics, type Measured, type Metrics} from './metrics.js'
import {errorReply, jsonReply, type Reply} from './reply.js'
import {answerList, renderServices, renderTargets} from './services.js'

export interface RouteContext {
  readonly directory: ServiceDirectory
  readonly clock: Clock
  /** Shown under `/config`, so without secrets. */
  readonly config: unknown
  /** How old the last proof may be before the list counts as not ready. */
  readonly maxStaleMs: number
  readonly measure: () => Pick<Measured, 'openRequests' | 'requests'>
}

export interface RouteCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  readonly signal: AbortSignal
}

/** Undefined when the route has sent its answer itself. */
export type Route = (call: RouteCall) => Promise<Reply | undefined> | Reply

export function createRoutes(context: RouteContext): ReadonlyMap<string, Route> {
  const {directory} = context
  let metrics: Promise<Metrics> | undefined
  return new Map<string, Route>([
    [
      '/',
      () => jsonReply(200, {routes: ['/services', '/sd/prometheus', '/config', '/healthz', '/readyz', '/metrics']}),
    ],
    [
      '/services',
      async call => {
        if (!wantsFrames(call.request)) return await answerList(call, {...context, render: renderServices})
        await streamFrames(call.response, {...context, signal: call.signal})
        return undefined
      },
    ],
    ['/sd/prometheus', call => answerList(call, {...context, render: renderTargets})],
    ['/config', () => jsonReply(200, context.config, {'cache-control': 'no-store'})],
    ['/healthz', () => jsonReply(200, describeHealth(directory), {'cache-control': 'no-store'})],
    ['/readyz', () => answerReady(context)],
    [
      '/metrics',
      async () => {
        metrics ??= createMetrics()
        const {contentType, render} = await metrics
        const {status, current} = directory
        const body = await render({status, serviceCount: current?.services.length ?? 0, ...context.measure()})
        return {status: 200, body, headers: {'content-type': contentType}}
      },
    ],
  ])
}

const wantsFrames = (request: IncomingMessage): boolean =>
  request.method === 'GET' && (request.headers.accept ?? '').includes('text/event-stream')

function describeHealth({status, current}: ServiceDirectory): Record<string, unknown> {
  const {state, problems, staleForMs, lastAnswerAtMs, stats} = status
  return {
    state,
    services: current?.services.length ?? 0,
    index: current === undefined ? null : String(current.index),
    staleForMs: Math.round(staleForMs),
    lastAnswerAt: toIso(lastAnswerAtMs),
    publishedAt: toIso(current?.publishedAtMs),
    problems: problems.map(({about, message, sinceMs}) => ({about, message, since: toIso(sinceMs)})),
    stats: {...stats, limitDelayMs: Math.round(stats.limitDelayMs)},
  }
}

const toIso = (wallMs: number | undefined): string | null =>
  wallMs === undefined ? null : new Date(wallMs).toISOString()

function answerReady({directory, maxStaleMs}: RouteContext): Reply {
  const {state, staleForMs} = directory.status
  if (state === 'starting') return errorReply(503, 'no list yet', {'cache-control': 'no-store'})
  if (staleForMs > maxStaleMs) {
    return errorReply(503, `no answer from Consul for ${Math.round(staleForMs / 1000)}s`, {'cache-control': 'no-store'})
  }
  return jsonReply(200, {ready: true}, {'cache-control': 'no-store'})
}
