import type {IncomingMessage} from 'node:http'
import {type Authorizer, allowAll} from '../acl/authorizer.js'
import type {Resource} from '../acl/rules.js'
import type {LocalAgent} from '../agent/local-agent.js'
import type {Cluster} from '../cluster.js'
import type {Datacenter} from '../datacenter.js'
import {fromBytes} from '../go/bytes.js'
import {parseGoDuration} from '../go/duration.js'
import {badRequest, permissionDenied, RpcError} from '../refusals.js'
import type {Query} from './query.js'

export interface CallParts {
  readonly request: IncomingMessage
  readonly query: Query
  /** The complete path, as a byte string. */
  readonly path: string
  /** The part of the path after the route, as a byte string. */
  readonly rest: string
  readonly agent: LocalAgent
  /** The datacenter of the agent that received the request. */
  readonly home: Datacenter
  readonly cluster: Cluster
}

/** Maximum size of a request body for which Consul itself has no limit. */
const hardLimit = 16 * 1024 * 1024

/** Thrown when the client has disconnected, so that no answer is needed. */
export class ClientGone extends Error {}

/** One request, as the handlers see it. */
export class Call {
  readonly method: string
  readonly query: Query
  readonly path: string
  readonly rest: string
  readonly agent: LocalAgent
  readonly home: Datacenter
  readonly cluster: Cluster
  readonly #request: IncomingMessage
  readonly #goneListeners = new Set<() => void>()
  #gone = false
  #authorizer: Authorizer | undefined
  #hasHidden = false

  constructor(parts: CallParts) {
    this.method = parts.request.method ?? 'GET'
    this.query = parts.query
    this.path = parts.path
    this.rest = parts.rest
    this.agent = parts.agent
    this.home = parts.home
    this.cluster = parts.cluster
    this.#request = parts.request
  }

  get name(): string {
    return fromBytes(this.rest)
  }

  get gone(): boolean {
    return this.#gone
  }

  header(name: string): string {
    const value = this.#request.headers[name]
    return Array.isArray(value) ? (value[0] ?? '') : (value ?? '')
  }

  /** The length of the body; -1 if the request does not state it. */
  get contentLength(): number {
    const text = this.header('content-length')
    if (text !== '') return Number(text)
    return this.header('transfer-encoding') === '' ? 0 : -1
  }

  /**
   * The token of the request. The query parameter takes precedence, followed by the token header, the bearer header and
   * the agent's default token.
   */
  get token(): string {
    const direct = this.query.get('token') || this.header('x-consul-token')
    if (direct !== '') return direct
    const [scheme = '', word = ''] = this.header('authorization').trim().split(/\s+/)
    return (scheme.toLowerCase() === 'bearer' ? word : '') || this.agent.defaultToken
  }

  onGone(listener: () => void): () => void {
    this.#goneListeners.add(listener)
    return () => this.#goneListeners.delete(listener)
  }

  markGone(): void {
    this.#gone = true
    for (const listener of this.#goneListeners) listener()
  }

  /** Resolves with the body, or with undefined if it is longer than `limit`. */
  async body(limit = hardLimit): Promise<Buffer | undefined> {
    const request = this.#request
    return await new Promise<Buffer | undefined>((resolve, reject) => {
      const chunks: Buffer[] = []
      let length = 0
      request.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length <= limit) chunks.push(chunk)
        else {
          chunks.length = 0
          resolve(undefined)
        }
      })
      request.once('end', () => resolve(Buffer.concat(chunks)))
      request.once('close', () => reject(new ClientGone()))
      request.once('error', () => reject(new ClientGone()))
    })
  }

  async textBody(): Promise<string> {
    return (await this.body())?.toString('utf8') ?? ''
  }

  /** Returns the datacenter that `?dc=` names, or the agent's own by default. */
  target(name = this.query.get('dc')): Datacenter {
    return this.cluster.route(this.home, name)
  }

  /** Runs `work` on the servers of `target`. Refusals by another datacenter get a prefix. */
  async rpc<T>(target: Datacenter, work: (target: Datacenter) => T | Promise<T>): Promise<T> {
    try {
      await target.leader(this)
      return await work(target)
    } catch (error) {
      if (error instanceof RpcError && target !== this.home) {
        throw new RpcError(`rpc error making call: ${error.message}`)
      }
      throw error
    }
  }

  /** The permissions of the request's token. Throws if the token does not exist. */
  get may(): Authorizer {
    const {acl} = this.cluster
    if (!acl) return allowAll
    this.#authorizer ??= this.#noticing(acl.authorizer(this.token, this.query.get('dc') || this.home.name))
    return this.#authorizer
  }

  /** True if the answer omits something that the token may not read. */
  get hasHidden(): boolean {
    return this.#hasHidden
  }

  #noticing(may: Authorizer | undefined): Authorizer {
    if (!may) throw new RpcError('ACL not found')
    return {
      can: (resource, name, access) => {
        const isAllowed = may.can(resource, name, access)
        if (!isAllowed && access === 'read') this.#hasHidden = true
        return isAllowed
      },
      canWriteBelow: prefix => may.canWriteBelow(prefix),
      canScalar: (resource, access) => may.canScalar(resource, access),
    }
  }

  /** Throws if the token lacks the permission. */
  demand(resource: Resource, name: string, access: 'read' | 'write'): void {
    if (!this.may.can(resource, name, access)) throw permissionDenied()
  }

  /** Refuses namespaces unless they are empty. */
  checkNamespace(): void {
    const refusal = 'Namespaces are a Consul Enterprise feature'
    if (this.query.get('ns') !== '') throw badRequest(`Bad request: Invalid query parameter: "ns" - ${refusal}`)
    if (this.header('x-consul-namespace') !== '') {
      throw badRequest(`Bad request: Invalid header: "X-Consul-Namespace" - ${refusal}`)
    }
  }
}

export type ReadMode = 'leader' | 'consistent' | 'stale'

/** The parameters that all reads share, in the order in which Consul checks them. */
export interface ReadParameters {
  readonly mode: ReadMode
  readonly index: bigint
  readonly waitMs: number
}

export function readParameters(call: Call, namespace = true): ReadParameters {
  const mode = readMode(call)
  const waitMs = readWait(call)
  const index = readIndex(call)
  if (namespace) call.checkNamespace()
  return {mode, index, waitMs}
}

/** The consistency of a read. Throws if the parameters contradict each other. */
export function readMode(call: Call): ReadMode {
  const {query} = call
  let stale = query.has('stale')
  const consistent = query.has('consistent')
  const maxStale = query.get('max_stale')
  if (maxStale !== '') {
    const parsed = parseGoDuration(maxStale)
    if ('error' in parsed) throw badRequest(`Invalid max_stale value "${maxStale}"`)
    stale = stale || parsed.ns > 0
  }
  for (const part of call.header('cache-control').split(',')) {
    const [name = '', value = ''] = part.trim().split('=')
    if ((name === 'max-age' || name === 'stale-if-error') && !/^\d+$/.test(value)) {
      throw badRequest('Invalid Cache-Control header.')
    }
  }
  if (stale && consistent) throw badRequest('Cannot specify ?stale with ?consistent, conflicting semantics.')
  if (query.has('cached') && consistent) {
    throw badRequest('Cannot specify ?cached with ?consistent, conflicting semantics.')
  }
  return stale ? 'stale' : consistent ? 'consistent' : 'leader'
}

const defaultWaitMs = 300_000
const longestWaitMs = 600_000

export function readWait(call: Call, defaultMs = defaultWaitMs): number {
  const text = call.query.get('wait')
  if (text === '') return defaultMs
  const parsed = parseGoDuration(text)
  if ('error' in parsed) throw badRequest('Invalid wait time')
  return parsed.ns <= 0 ? defaultMs : Math.min(parsed.ns / 1e6, longestWaitMs)
}

export function readIndex(call: Call): bigint {
  const text = call.query.get('index')
  if (text === '') return 0n
  const index = /^\d+$/.test(text) ? BigInt(text) : -1n
  if (index < 0n || index >= 2n ** 64n) throw badRequest('Invalid index')
  return index
}
