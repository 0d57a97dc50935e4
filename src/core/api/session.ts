import {checkOptions, duration, name, oneOf, text, texts} from '../check-options.js'
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

/** The result of a renewal. */
export interface Renewal {
  /** False if the session no longer exists. */
  readonly alive: boolean
  /** Monotonic time in milliseconds at which the renewal was sent. */
  readonly sentAtMs: number
}

/** Consul's sessions. These calls do not renew a session by themselves; `openSession` does. */
export interface SessionApi {
  /**
   * Creates a session that expires unless it is renewed. `sentAtMs` is the monotonic time of sending. If the answer is
   * lost, Consul may have created the session anyway; that session expires after its TTL.
   */
  create(request: SessionRequest, options?: CallOptions): Promise<{readonly id: SessionId; readonly sentAtMs: number}>
  /** Renews the session's TTL. A session that does not exist is reported as a result, not as an error. */
  renew(id: SessionId, options?: CallOptions): Promise<Renewal>
  /** Destroys the session and frees its keys. Succeeds if the session does not exist. */
  destroy(id: SessionId, options?: CallOptions): Promise<void>
  /** Returns one session, or `undefined` if it does not exist. */
  info(id: SessionId, options?: BlockingReadOptions): Promise<Snapshot<SessionInfo | undefined>>
  /** Returns all sessions of the datacenter. */
  list(options?: BlockingReadOptions): Promise<Snapshot<readonly SessionInfo[]>>
}

/** Validation rules for the fields of a SessionRequest. */
export const sessionRequestRules = {
  name: text,
  node: text,
  ttlMs: duration({minMs: 1}),
  lockDelayMs: duration(),
  behavior: oneOf(['release', 'delete']),
  nodeChecks: texts,
} as const

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

function sessionPath(verb: string, id: SessionId): string {
  checkOptions(`session.${verb}`, {id}, {id: name}, ['id'])
  return `/v1/session/${verb}/${encodeURIComponent(id)}`
}

export function createSessionApi(caller: Caller): SessionApi {
  return {
    async create(request, options) {
      checkOptions('session.create', request, sessionRequestRules)
      const body = encodeJson({
        Name: request.name,
        Node: request.node,
        TTL: request.ttlMs === undefined ? undefined : toWireDuration(request.ttlMs),
        // Sent with a unit, because Consul reads a bare number below 1000 as seconds.
        LockDelay: request.lockDelayMs === undefined ? undefined : toWireDuration(request.lockDelayMs),
        Behavior: request.behavior,
        NodeChecks: request.nodeChecks,
      })
      const answer = await caller.call({method: 'PUT', path: '/v1/session/create', body}, options)
      return {id: decodeJson<{ID: SessionId}>('session create', answer).ID, sentAtMs: answer.sentAtMs}
    },
    async renew(id, options) {
      const answer = await caller.call({method: 'PUT', path: sessionPath('renew', id), accept: [200, 404]}, options)
      return {alive: answer.status === 200, sentAtMs: answer.sentAtMs}
    },
    async destroy(id, options) {
      await caller.call({method: 'PUT', path: sessionPath('destroy', id)}, options)
    },
    async info(id, options) {
      const answer = await caller.call({method: 'GET', path: sessionPath('info', id)}, options)
      return toSnapshot(answer, decodeJson<RawSession[] | null>('session info', answer)?.map(toSession)[0])
    },
    async list(options) {
      const answer = await caller.call({method: 'GET', path: '/v1/session/list'}, options)
      return toSnapshot(answer, (decodeJson<RawSession[] | null>('session list', answer) ?? []).map(toSession))
    },
  }
}
