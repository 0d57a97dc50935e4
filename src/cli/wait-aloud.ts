import {isBatonError, isTransient, messageOf} from '../core/errors.js'
import {isHopeless} from '../core/hopeless.js'
import {toWireError} from '../core/http/wire-errors.js'
import {formatDuration} from '../core/time/duration.js'
import type {Clock, Timer, Transport, TransportRequest, TransportResponse} from '../core/types.js'

const firstAfterMs = 1500
const longestPauseMs = 60_000

export interface WaitAloudOptions {
  /** For messages. */
  readonly address: string
  readonly clock: Clock
  readonly say: (text: string) => void
  /** Called with a failure that waiting cannot end, of a request whose path was never answered. */
  readonly onHopeless?: (error: unknown) => void
}

/**
 * Passes requests on to another transport, and says when Consul does not answer them: 1.5 s after the first request
 * without an answer or the first failure, then at intervals that double up to a minute, and once when Consul answers
 * again. Datacenters are counted apart. Parked queries may wait.
 */
export class WaitAloud implements Transport {
  readonly #inner: Transport
  readonly #options: WaitAloudOptions
  readonly #outages = new Map<string, Outage>()
  readonly #answered = new Set<string>()

  constructor(inner: Transport, options: WaitAloudOptions) {
    this.#inner = inner
    this.#options = options
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const {path, query} = partsOf(request.path)
    const outage = this.#outageOf(query.get('dc') ?? '')
    using pending = query.has('index') ? undefined : outage.begin()
    try {
      const response = await this.#inner.send({
        ...request,
        onFirstByte: () => {
          pending?.[Symbol.dispose]()
          request.onFirstByte?.()
        },
      })
      const error = this.#refusal(request, response)
      if (error === undefined || !isTransient(error)) outage.end()
      else outage.fail(error)
      if (error === undefined) this.#answered.add(path)
      else this.#despair(path, error)
      return response
    } catch (error) {
      if (request.signal?.aborted !== true) {
        outage.fail(error)
        this.#despair(path, error)
      }
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const outage of this.#outages.values()) outage[Symbol.dispose]()
    await this.#inner[Symbol.asyncDispose]()
  }

  /** Whether a 404 is an answer depends on the call. */
  #refusal(request: TransportRequest, response: TransportResponse): unknown {
    if (response.status < 400) return undefined
    const error = toWireError(request, response, this.#options.clock.wallMs())
    return isBatonError(error, 'BATON_NOT_FOUND') ? undefined : error
  }

  #despair(path: string, error: unknown): void {
    if (!this.#answered.has(path) && isHopeless(error)) this.#options.onHopeless?.(error)
  }

  #outageOf(datacenter: string): Outage {
    const known = this.#outages.get(datacenter)
    if (known) return known
    const outage = new Outage(this.#options)
    this.#outages.set(datacenter, outage)
    return outage
  }
}

function partsOf(requested: string): {readonly path: string; readonly query: URLSearchParams} {
  const [path = '', query = ''] = requested.split('?')
  return {path, query: new URLSearchParams(query)}
}

class Outage implements Disposable {
  readonly #options: WaitAloudOptions
  readonly #pending = new Set<object>()
  #startedMs: number | undefined
  #error: unknown
  #pauseMs = firstAfterMs
  #isReported = false
  #timer: Timer | undefined

  constructor(options: WaitAloudOptions) {
    this.#options = options
  }

  /** A request was sent whose answer should come at once. Dispose when the answer has begun, or will not come. */
  begin(): Disposable {
    const request = {}
    this.#pending.add(request)
    this.#start()
    return {
      [Symbol.dispose]: () => {
        const isLast = this.#pending.delete(request) && this.#pending.size === 0
        if (isLast && this.#error === undefined && !this.#isReported) this.#stop()
      },
    }
  }

  fail(error: unknown): void {
    this.#error = error
    this.#start()
  }

  end(): void {
    const {address, say} = this.#options
    if (this.#isReported) say(`Consul at ${address} answers after ${this.#elapsed()}`)
    this.#stop()
    if (this.#pending.size > 0) this.#start()
  }

  [Symbol.dispose](): void {
    this.#stop()
  }

  #start(): void {
    if (this.#startedMs !== undefined) return
    this.#startedMs = this.#options.clock.monotonicMs()
    this.#pauseMs = firstAfterMs
    this.#schedule()
  }

  #stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#startedMs = undefined
    this.#error = undefined
    this.#isReported = false
  }

  #schedule(): void {
    this.#timer = this.#options.clock.timer(this.#pauseMs, () => this.#report(), {ref: false})
  }

  #report(): void {
    const {address, say} = this.#options
    this.#isReported = true
    const why = this.#error === undefined ? `${address} has not answered yet` : messageOf(this.#error)
    say(`waiting for Consul: ${why} (for ${this.#elapsed()})`)
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs)
    this.#schedule()
  }

  #elapsed(): string {
    const elapsedMs = this.#options.clock.monotonicMs() - (this.#startedMs ?? 0)
    return formatDuration(Math.max(Math.round(elapsedMs / 1000), 1) * 1000)
  }
}
