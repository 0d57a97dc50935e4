import {TransportError} from '../../src/core/errors.js'
import type {Clock, Timer, Transport, TransportRequest, TransportResponse} from '../../src/core/types.js'

export interface FakeAnswer {
  /** @default 200 */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** The body: text and bytes unchanged, anything else as JSON. */
  readonly body?: unknown
}

/**
 * The answer to a request. `'hang'` gives no answer until the request's signal aborts or its deadline passes. An Error
 * makes the request fail, whether it is thrown or returned.
 */
export type FakeReply = FakeAnswer | Error | 'hang'

function encode(body: unknown): Buffer {
  if (body === undefined) return Buffer.alloc(0)
  if (typeof body === 'string') return Buffer.from(body)
  return body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body))
}

/**
 * Answers requests with the result of a function, and records the requests. With a clock, it also enforces their
 * deadlines.
 */
export class FakeTransport implements Transport {
  readonly requests: TransportRequest[] = []
  /** Number of requests that are waiting for an answer. */
  parked = 0
  disposed = false
  readonly #answer: (request: TransportRequest, index: number) => FakeReply | Promise<FakeReply>
  readonly #clock: Clock | undefined

  constructor(
    answer: (request: TransportRequest, index: number) => FakeReply | Promise<FakeReply>,
    options: {readonly clock?: Clock} = {},
  ) {
    this.#answer = answer
    this.#clock = options.clock
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    request.signal?.throwIfAborted()
    const index = this.requests.push(request) - 1
    this.parked += 1
    const cut = this.#cut(request)
    try {
      const reply = await Promise.race([cut.promise, this.#answer(request, index)])
      if (reply === 'hang') return await cut.promise
      if (reply instanceof Error) throw reply
      const headers = Object.entries(reply.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const)
      return {status: reply.status ?? 200, headers: new Map(headers), body: encode(reply.body)}
    } finally {
      this.parked -= 1
      cut[Symbol.dispose]()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true
    return Promise.resolve()
  }

  /** Rejects when the request's signal aborts or its deadline passes. */
  #cut(request: TransportRequest): Disposable & {readonly promise: Promise<never>} {
    const {signal, timeoutMs, method, path} = request
    let timer: Timer | undefined
    let onAbort: (() => void) | undefined
    const promise = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal?.reason)
      signal?.addEventListener('abort', onAbort, {once: true})
      const expire = (): void =>
        reject(new TransportError('BATON_TIMEOUT', `${method} ${path}: no answer in ${timeoutMs}ms`))
      timer = this.#clock?.timer(timeoutMs, expire)
    })
    promise.catch(() => undefined)
    return {
      promise,
      [Symbol.dispose]: () => {
        timer?.[Symbol.dispose]()
        if (onAbort) signal?.removeEventListener('abort', onAbort)
      },
    }
  }
}
