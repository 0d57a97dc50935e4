import type {IncomingMessage} from 'node:http'
import type {Clock} from '../../core/types.js'
import {errorReply, jsonReply, type Reply} from '../../serve/reply.js'
import type {Route, ServerLoad} from '../../serve/server.js'
import type {ServiceDirectory} from '../directory.js'
import {streamFrames} from './event-stream.js'
import {createMetrics, type Metrics} from './metrics.js'
import {answerList, renderServices, renderTargets} from './services.js'

/** Options for the HTTP routes of a directory. */
export interface RouteOptions {
  readonly clock: Clock
  /** Shown under `/config`, so it must not contain secrets. */
  readonly config: unknown
  /**
   * Maximum time in milliseconds since the last successful answer. After a longer time the list does not count as
   * ready.
   * @default 120000
   */
  readonly maxStaleMs?: number
}

/** Returns the HTTP routes of a directory. `measure` returns the load of their server. */
export function createRoutes(
  directory: ServiceDirectory,
  options: RouteOptions,
  measure: () => ServerLoad,
): ReadonlyMap<string, Route> {
  const {clock, config, maxStaleMs = 120_000} = options
  const context = {directory, clock}
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
    ['/config', () => jsonReply(200, config, {'cache-control': 'no-store'})],
    ['/healthz', () => jsonReply(200, describeHealth(directory), {'cache-control': 'no-store'})],
    ['/readyz', () => answerReady(directory, maxStaleMs)],
    [
      '/metrics',
      async () => {
        metrics ??= createMetrics()
        const {contentType, render} = await metrics
        const {status, current} = directory
        const body = await render({status, serviceCount: current?.services.length ?? 0, ...measure()})
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

function answerReady(directory: ServiceDirectory, maxStaleMs: number): Reply {
  const {state, staleForMs} = directory.status
  if (state === 'starting') return errorReply(503, 'no list yet', {'cache-control': 'no-store'})
  if (staleForMs > maxStaleMs) {
    return errorReply(503, `no answer from Consul for ${Math.round(staleForMs / 1000)}s`, {'cache-control': 'no-store'})
  }
  return jsonReply(200, {ready: true}, {'cache-control': 'no-store'})
}
