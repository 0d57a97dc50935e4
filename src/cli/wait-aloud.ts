import {isBatonError, isTransient, messageOf} from '../core/errors.js'
import {isHopeless} from '../core/hopeless.js'
import type {Gap, SendPrepared} from '../core/http/types.js'
import {toWireError} from '../core/http/wire-errors.js'
import {Outage} from '../core/outage.js'
import {formatDuration} from '../core/time/duration.js'
import type {Clock, Transport, TransportRequest, TransportResponse} from '../core/types.js'

export interface WaitAloudOptions {
  /** The address, for messages. */
  readonly address: string
  readonly clock: Clock
  readonly say: (text: string) => void
  /**
   * Called if a path has never been read successfully and its read fails for a reason that waiting cannot fix. Returns
   * true if it handles the failure, which is then not reported as waiting for Consul. Not called for methods other than
   * GET, because their callers handle the failure; an example is the read-only transaction that finds out whether items
   * are hidden from the token.
   */
  readonly onHopeless?: (error: unknown) => boolean
}

/**
 * Passes requests on to another transport, and reports if Consul does not answer them: 1.5 s after the first request
 * without an answer or the first failure, then at intervals that double up to a minute, and once when Consul answers
 * again. Each datacenter is reported separately. Blocking queries are not reported, because they are expected to wait.
 */
export class WaitAloud implements Transport {
  readonly #inner: Transport
  readonly #options: WaitAloudOptions
  readonly #datacenters = new Map<string, Pending>()
  readonly #answered = new Set<string>()
  /** Paths whose failure was handled by `onHopeless`. */
  readonly #refused = new Set<string>()

  constructor(inner: Transport, options: WaitAloudOptions) {
    this.#inner = inner
    this.#options = options
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const {path: resource, query} = partsOf(request.path)
    const dc = query.get('dc') ?? ''
    const path = dc === '' ? resource : `${resource}?dc=${dc}`
    const datacenter = this.#pendingOf(dc)
    using pending = query.has('index') ? undefined : datacenter.begin()
    try {
      const response = await this.#inner.send({
        ...request,
        onFirstByte: bytes => {
          pending?.[Symbol.dispose]()
          request.onFirstByte?.(bytes)
        },
      })
      const error = this.#refusal(request, response)
      const isOver = error === undefined || this.#isHandled(request, path, error) || !isTransient(error)
      if (isOver) datacenter.end()
      else datacenter.outage.fail(error)
      if (error === undefined) this.#noteAnswer(path)
      return response
    } catch (error) {
      if (request.signal?.aborted !== true && !this.#isHandled(request, path, error)) datacenter.outage.fail(error)
      throw error
    }
  }

  prepare(request: TransportRequest, gap: Gap): SendPrepared | undefined {
    return this.#inner.prepare?.(request, gap)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pending of this.#datacenters.values()) pending[Symbol.dispose]()
    await this.#inner[Symbol.asyncDispose]()
  }

  /**
   * Returns the error that an answer reports, or undefined. A 404 does not count, because a missing item is not a
   * failure.
   */
  #refusal(request: TransportRequest, response: TransportResponse): unknown {
    if (response.status < 400) return undefined
    const error = toWireError(request, response, this.#options.clock.wallMs())
    return isBatonError(error, 'BATON_NOT_FOUND') ? undefined : error
  }

  /**
   * True if the failure must not be reported as waiting for Consul. Before Consul's first answer, that is every failure
   * that waiting cannot fix.
   */
  #isHandled({method}: TransportRequest, path: string, error: unknown): boolean {
    if (!isHopeless(error)) return false
    const isFirst = this.#answered.size === 0
    if (method !== 'GET' || this.#answered.has(path)) return isFirst
    if (this.#options.onHopeless?.(error) !== true) return isFirst
    this.#refused.add(path)
    return true
  }

  #noteAnswer(path: string): void {
    this.#answered.add(path)
    if (this.#refused.delete(path)) this.#options.say(`Consul at ${this.#options.address} answers ${path} now`)
  }

  #pendingOf(datacenter: string): Pending {
    const known = this.#datacenters.get(datacenter)
    if (known) return known
    const pending = new Pending(this.#options)
    this.#datacenters.set(datacenter, pending)
    return pending
  }
}

function partsOf(requested: string): {readonly path: string; readonly query: URLSearchParams} {
  const [path = '', query = ''] = requested.split('?')
  return {path, query: new URLSearchParams(query)}
}

/** The outage of one datacenter, with the unanswered requests to it. */
class Pending implements Disposable {
  readonly outage: Outage
  readonly #requests = new Set<object>()

  constructor({address, clock, say}: WaitAloudOptions) {
    this.outage = new Outage({
      clock,
      onOverdue: (elapsedMs, error) => {
        const why = error === undefined ? `${address} has not answered yet` : messageOf(error)
        say(`waiting for Consul: ${why} (for ${inSeconds(elapsedMs)})`)
      },
      onRecovered: elapsedMs => say(`Consul at ${address} answers after ${inSeconds(elapsedMs)}`),
    })
  }

  /**
   * Records that a request was sent that Consul should answer without delay. Dispose the result when the answer has
   * begun or will not come.
   */
  begin(): Disposable {
    const request = {}
    this.#requests.add(request)
    this.outage.begin()
    return {
      [Symbol.dispose]: () => {
        const isLast = this.#requests.delete(request) && this.#requests.size === 0
        if (isLast && this.outage.isUnnoticed) this.outage[Symbol.dispose]()
      },
    }
  }

  /** Records that an answer has arrived. For requests without an answer, the time until a report starts again. */
  end(): void {
    this.outage.end()
    if (this.#requests.size > 0) this.outage.begin()
  }

  [Symbol.dispose](): void {
    this.outage[Symbol.dispose]()
  }
}

/** Returns the duration of an outage for messages: in whole seconds, at least one. */
export const inSeconds = (ms: number): string => formatDuration(Math.max(Math.round(ms / 1000), 1) * 1000)
