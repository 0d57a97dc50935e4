import {errorReply, jsonReply, type Reply} from '../../serve/reply.js'
import type {Route} from '../../serve/server.js'
import {formatMapping} from '../mapping.js'
import type {MappingStatus} from '../types.js'
import {createReplicateMetrics, type ReplicateMetrics} from './metrics.js'
import {statusFields} from './status-fields.js'

const fresh = {'cache-control': 'no-store'}

export interface ReplicateRouteOptions {
  /** Returns the mappings that are currently replicated. */
  readonly read: () => readonly MappingStatus[]
  /** Maximum lag in milliseconds with which a mapping still counts as ready. */
  readonly mostLagMs: number
}

/**
 * Returns the HTTP routes of a replicator: figures for Prometheus, the state of each mapping, and whether the
 * replicator is ready.
 */
export function createReplicateRoutes({read, mostLagMs}: ReplicateRouteOptions): ReadonlyMap<string, Route> {
  let metrics: Promise<ReplicateMetrics> | undefined
  return new Map<string, Route>([
    ['/', () => jsonReply(200, {routes: ['/healthz', '/readyz', '/metrics']})],
    ['/healthz', () => jsonReply(200, {mappings: read().map(statusFields)}, fresh)],
    ['/readyz', () => answerReady(read(), mostLagMs)],
    [
      '/metrics',
      async () => {
        metrics ??= createReplicateMetrics()
        const {contentType, render} = await metrics
        return {status: 200, body: await render(read()), headers: {'content-type': contentType}}
      },
    ],
  ])
}

function answerReady(statuses: readonly MappingStatus[], mostLagMs: number): Reply {
  const late = statuses.find(({state, lagMs}) => state === 'starting' || lagMs > mostLagMs)
  if (!late) return jsonReply(200, {ready: true}, fresh)
  const {mapping, state, lagMs, retrying} = late
  const why = retrying ? ` (${retrying.part}: ${retrying.reason})` : ''
  const what = state === 'starting' ? 'the first copy is not complete' : `${Math.round(lagMs / 1000)}s behind`
  return errorReply(503, `${formatMapping(mapping)}: ${what}${why}`, fresh)
}
