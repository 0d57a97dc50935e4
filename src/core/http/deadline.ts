import {addAbortListener} from '../cancel/abort-listeners.js'
import type {Clock, Timer, TransportRequest} from '../types.js'
import {stalledError, timeoutError} from './transport-errors.js'

/**
 * Ends a request when its signal aborts, when no answer comes in time, or when an answer stops before its end. Every
 * request has a deadline, so it makes neither a signal nor more than one timer unless they are needed.
 */
export class Deadline implements Disposable {
  /** Called when the request has to end. */
  onOver: (() => void) | undefined
  /** True once the request has to end. */
  isOver = false
  /** The reason why the request has to end. */
  reason: unknown
  readonly #request: TransportRequest
  readonly #clock: Clock
  readonly #peer: string
  readonly #forget: (() => void) | undefined
  #timer: Timer | undefined
  /** Time at which the timer runs out; time at which the request ends, which may be later. */
  #timerAtMs: number
  #endsAtMs: number
  #hasBegun = false
  #controller: AbortController | undefined

  constructor(request: TransportRequest, {clock, peer}: {readonly clock: Clock; readonly peer: string}) {
    this.#request = request
    this.#clock = clock
    this.#peer = peer
    const {signal, timeoutMs} = request
    this.#timerAtMs = this.#endsAtMs = clock.monotonicMs() + timeoutMs
    if (signal?.aborted) {
      this.#end(signal.reason)
      return
    }
    this.#forget = signal && addAbortListener(signal, () => this.#end(signal.reason))
    this.#startTimer(timeoutMs)
  }

  /** A signal that aborts when the request has to end. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.isOver) this.#controller.abort(this.reason)
    }
    return this.#controller.signal
  }

  /** Must be called when the first bytes of the answer arrive. */
  begun(bytes?: Uint8Array): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#request.onFirstByte?.(bytes)
  }

  /** Must be called whenever bytes of the answer arrive and others are missing. Restarts the time limit between bytes. */
  moved(): void {
    this.begun()
    const {idleTimeoutMs} = this.#request
    if (idleTimeoutMs === undefined || this.isOver || !this.#timer) return
    this.#endsAtMs = this.#clock.monotonicMs() + idleTimeoutMs
    if (this.#endsAtMs >= this.#timerAtMs) return
    this.#timer[Symbol.dispose]()
    this.#startTimer(idleTimeoutMs)
  }

  [Symbol.dispose](): void {
    this.onOver = undefined
    this.#forget?.()
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  #startTimer(ms: number): void {
    this.#timerAtMs = this.#clock.monotonicMs() + ms
    this.#timer = this.#clock.timer(ms, () => this.#handleTimer())
  }

  #handleTimer(): void {
    const leftMs = this.#endsAtMs - this.#clock.monotonicMs()
    if (leftMs > 1) {
      this.#startTimer(leftMs)
      return
    }
    const {timeoutMs, idleTimeoutMs} = this.#request
    const isStalled = this.#hasBegun && idleTimeoutMs !== undefined
    this.#end(isStalled ? stalledError(this.#peer, idleTimeoutMs) : timeoutError(this.#peer, timeoutMs))
  }

  #end(reason: unknown): void {
    if (this.isOver) return
    this.isOver = true
    this.reason = reason
    this.#timer?.[Symbol.dispose]()
    this.#controller?.abort(reason)
    this.onOver?.()
  }
}
