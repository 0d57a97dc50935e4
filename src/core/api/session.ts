import {type Caller, toSnapshot} from '../http/caller.js'
import {parseDuration, toWireDuration} from '../time/duration.js'
import type {BlockingReadOptions, CallOptions, SessionId, SessionInfo, SessionRequest, Snapshot} from '../types.js'
import {decodeJson, encodeJson} from './json.js'

interface RawSession {
  readonly ID: string
  readonly Name: string
  readonly Node: string
  readonly LockDelay: number
  readonly Behavior: string
  readonly TTL: string
  readonly NodeChecks?: string[] | null
  readonly CreateIndex: bigint
}

/** What became of a renewal. */
export interface Renewal {
  /** False when Consul does not know the session: it has ended. */
  readonly alive: boolean
  /** Monotonic instant at which the renewal was sent. */
  readonly sentAtMs: number
}

/** Sessions as Consul has them, without renewals: `openSession` keeps one alive. */
export interface SessionApi {
  create(request: SessionRequest, options?: CallOptions): Promise<{readonly id: SessionId; readonly sentAtMs: number}>
  renew(id: SessionId, options?: CallOptions): Promise<Renewal>
  /** Idempotent: destroying an unknown session succeeds. */
  destroy(id: SessionId, options?: CallOptions): Promise<void>
  info(id: SessionId, options?: BlockingReadOptions): Promise<Snapshot<SessionInfo | undefined>>
  list(options?: BlockingReadOptions): Promise<Snapshot<readonly SessionInfo[]>>
}

const nanosecondsPerMs = 1e6

function toSession(raw: RawSession): SessionInfo {
  return {
    id: raw.ID as SessionId,
    name: raw.Name,
    node: raw.Node,
    lockDelayMs: raw.LockDelay / nanosecondsPerMs,
    behavior: raw.Behavior === 'delete' ? 'delete' : 'release',
    ttlMs: raw.TTL === '' ? 0 : parseDuration(raw.TTL),
    nodeChecks: raw.NodeChecks ?? [],
    createIndex: raw.CreateIndex,
  }
}

export function createSessionApi(caller: Caller): SessionApi {
  return {
    async create(request, options) {
      const body = encodeJson({
        Name: request.name,
        Node: request.node,
        TTL: request.ttlMs === undefined ? undefined : toWireDuration(request.ttlMs),
        // A string with its unit: Consul reads bare numbers below 1000 as seconds.
        LockDelay: request.lockDelayMs === undefined ? undefined : toWireDuration(request.lockDelayMs),
        Behavior: request.behavior,
        NodeChecks: request.nodeChecks,
      })
      const answer = await caller.call({method: 'PUT', path: '/v1/session/create', body}, options)
      return {id: decodeJson<{ID: SessionId}>('session create', answer).ID, sentAtMs: answer.sentAtMs}
    },
    async renew(id, options) {
      const answer = await caller.call({method: 'PUT', path: `/v1/session/renew/${id}`, accept: [200, 404]}, options)
      return {alive: answer.status === 200, sentAtMs: answer.sentAtMs}
    },
    async destroy(id, options) {
      await caller.call({method: 'PUT', path: `/v1/session/destroy/${id}`}, options)
    },
    async info(id, options) {
      const answer = await caller.call({method: 'GET', path: `/v1/session/info/${id}`}, options)
      return toSnapshot(answer, decodeJson<RawSession[] | null>('session info', answer)?.map(toSession)[0])
    },
    async list(options) {
      const answer = await caller.call({method: 'GET', path: '/v1/session/list'}, options)
      return toSnapshot(answer, (decodeJson<RawSession[] | null>('session list', answer) ?? []).map(toSession))
    },
  }
}
