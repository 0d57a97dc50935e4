import type {ConsulClient} from '../../core/client.js'
import {messageOf, SessionLostError} from '../../core/errors.js'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import {Wake} from '../../core/time/wake.js'
import type {KvOperation} from '../../core/types.js'
import {type AnswerWriter, frameName} from '../native/answers.js'
import {encodeFrame, encodeResult, frameBytes, type RunResult} from '../native/frames.js'
import type {Manifest} from '../native/manifest.js'
import type {OutputPart} from '../reports.js'

/** Maximum time for which output is collected before it is written, counted from the first byte. */
const flushMs = 250
/** Minimum interval between heartbeats, even if the job requests a shorter one, to limit the load on Consul. */
const minHeartbeatMs = 250
const maxRetryMs = 2000
/**
 * Maximum size of output that waits to be written. If it is exceeded, the responder stops reading the child's output.
 */
const maxPendingBytes = 4 * frameBytes

/**
 * Writes the keys of one claimed job on this node, all of which belong to the job's session: frames (numbered pieces)
 * of output, empty frames as heartbeats, and the result together with the last frame.
 *
 * *collecting*: output is collected until its first byte is old enough or a frame is full. *writing*: one frame is
 * written at a time, and a failed write is repeated. If nothing was written for a heartbeat interval, an empty frame is
 * written. After `end`, output is written without waiting for more, and the last frame together with the result in one
 * transaction. If Consul refuses a write, the session has ended: `gone` aborts, and everything that follows is
 * discarded.
 */
export class JobWriter {
  readonly #client: ConsulClient
  readonly #manifest: Manifest
  readonly #answers: AnswerWriter
  readonly #gone = new AbortController()
  readonly #backoff: Backoff
  #pending: OutputPart[] = []
  #pendingBytes = 0
  #firstByteAtMs = 0
  #lastWriteAtMs: number
  #sequence = 0
  #isEnding = false
  #stop: 'unsaid' | 'due' | 'said' = 'unsaid'
  readonly #wake = new Wake()
  readonly #drained = new Wake()
  readonly #writing: Promise<void>

  constructor(options: {
    readonly client: ConsulClient
    readonly manifest: Manifest
    readonly answers: AnswerWriter
    /** Aborting this signal ends all writes, even that of the result. */
    readonly abandon: AbortSignal
  }) {
    this.#client = options.client
    this.#manifest = options.manifest
    this.#answers = options.answers
    this.#backoff = new Backoff({minMs: 100, maxMs: maxRetryMs, random: options.client.random})
    this.#lastWriteAtMs = this.#client.clock.monotonicMs()
    options.abandon.addEventListener('abort', () => this.#lose('the responder stops'), {once: true})
    this.#writing = this.#run()
  }

  /** Aborts when the job's session has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Accepts the part at once. Resolves when there is room for more. */
  async push(part: OutputPart): Promise<void> {
    if (this.#pendingBytes === 0) this.#firstByteAtMs = this.#client.clock.monotonicMs()
    this.#pending.push(part)
    this.#pendingBytes += part.chunk.length
    this.#wake.wake()
    while (this.#pendingBytes >= maxPendingBytes && !this.#gone.signal.aborted) await this.#drained.wait()
  }

  /**
   * Reports at once, together with the waiting output, that the command is being stopped because of its timeout.
   * Initiators then wait for its end; without this report, they expect no result.
   */
  announceStop(): void {
    if (this.#stop === 'unsaid') this.#stop = 'due'
    this.#wake.wake()
  }

  /** Writes the remaining output and the result. Resolves even if the session has ended. */
  async end(result: Omit<RunResult, 'frameCount'>): Promise<void> {
    this.#isEnding = true
    this.#wake.wake()
    await this.#writing
    const last = this.#takeFrame()
    const frameCount = this.#sequence + (last ? 1 : 0)
    const write = this.#answers.write('r', encodeResult({...result, frameCount}), this.#manifest.session)
    await this.#commit(last ? [this.#frame(last), write] : [write])
  }

  async #run(): Promise<void> {
    const heartbeatMs = Math.max(minHeartbeatMs, this.#manifest.heartbeatMs)
    while (!this.#gone.signal.aborted) {
      const hasFullFrame = this.#pendingBytes >= frameBytes
      if (this.#isEnding && !hasFullFrame) break
      const nowMs = this.#client.clock.monotonicMs()
      const dueAtMs = this.#pendingBytes > 0 ? this.#firstByteAtMs + flushMs : this.#lastWriteAtMs + heartbeatMs
      if (hasFullFrame || this.#stop === 'due' || nowMs >= dueAtMs) {
        await this.#commit([this.#frame(this.#takeFrame() ?? [])])
        this.#sequence += 1
        this.#lastWriteAtMs = this.#client.clock.monotonicMs()
      } else await this.#wake.waitAtMost(dueAtMs - nowMs, {clock: this.#client.clock})
    }
    this.#drained.wake()
  }

  /** Takes output for one frame from the waiting output, and returns it. */
  #takeFrame(): readonly OutputPart[] | undefined {
    if (this.#pendingBytes === 0) return undefined
    const taken: OutputPart[] = []
    let room = frameBytes
    while (room > 0) {
      const [part] = this.#pending
      if (!part) break
      const chunk = part.chunk.subarray(0, room)
      room -= chunk.length
      const rest = part.chunk.subarray(chunk.length)
      if (rest.length === 0) this.#pending.shift()
      else this.#pending[0] = {stream: part.stream, chunk: rest}
      const last = taken.at(-1)
      if (last?.stream === part.stream) {
        taken[taken.length - 1] = {stream: part.stream, chunk: Buffer.concat([last.chunk, chunk])}
      } else taken.push({stream: part.stream, chunk})
    }
    this.#pendingBytes -= frameBytes - room
    this.#firstByteAtMs = this.#client.clock.monotonicMs()
    if (this.#pendingBytes < frameBytes) this.#drained.wake()
    return taken
  }

  /** Returns the KV operation that writes a frame. A frame with an empty value is a heartbeat. */
  #frame(parts: readonly OutputPart[]): KvOperation {
    const isStopping = this.#stop === 'due'
    if (isStopping) this.#stop = 'said'
    const body = parts.length === 0 && !isStopping ? Buffer.alloc(0) : encodeFrame(parts, isStopping)
    return this.#answers.write(frameName(this.#sequence), body, this.#manifest.session)
  }

  async #commit(operations: readonly KvOperation[]): Promise<void> {
    const {clock, logger, txn} = this.#client
    const onRetry = (error: unknown): void => {
      logger.warn({job: this.#manifest.id, error: messageOf(error)}, 'exec.writeFailed')
    }
    const how = {signal: this.#gone.signal, clock, backoff: this.#backoff, onRetry}
    try {
      const result = await retry(() => txn.commit(operations), how)
      this.#backoff.reset()
      if (!result.committed) this.#lose(result.errors[0]?.what ?? 'refused')
    } catch (error) {
      this.#lose(messageOf(error))
    }
  }

  #lose(why: string): void {
    this.#gone.abort(new SessionLostError(`job ${this.#manifest.id}: its output is no longer accepted: ${why}`))
    this.#wake.wake()
    this.#drained.wake()
  }
}
