import {type LinkedSignal, linkSignal} from '../../core/cancel/link-signal.js'
import {ReleaseStack} from '../../core/cancel/release-stack.js'
import type {ConsulClient} from '../../core/client.js'
import {isTransient, messageOf} from '../../core/errors.js'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import {Wake} from '../../core/time/wake.js'
import type {KeyReader} from '../reader.js'
import type {JobDelivery, Report} from '../reports.js'
import type {ExecEvent, ExecRun, ExecSummary, NodeOutcome, Via} from '../types.js'
import {EventQueue} from './event-queue.js'
import {isNodePassing, passingResponders} from './targets.js'
import type {Tracker} from './tracker.js'
import {judgeResults} from './verdict.js'

export interface RunParts {
  readonly client: ConsulClient
  readonly id: string
  readonly deliveries: readonly JobDelivery[]
  readonly tracker: Tracker
  readonly events: EventQueue<ExecEvent>
  readonly startedAtMs: number
  readonly isDryRun: boolean
  /** Time within which nodes must report their end after the run has asked them to stop. */
  readonly cancelPatienceMs: number
  /**
   * `own`: the run has written the job, and cancels it when the run is stopped. In the other modes another process has
   * written the job: `follow` only follows it, `snapshot` reads its answers once, `cancel` and `kill` stop it.
   * @default 'own'
   */
  readonly mode?: 'own' | 'follow' | 'snapshot' | 'cancel' | 'kill'
}

const longestSleepMs = 60_000
const maxRetryMs = 2000

interface OpenReader {
  readonly delivery: JobDelivery
  readonly reader: KeyReader
}

/** Runs one job to its end: passes reports and times to the tracker, and removes the job afterwards. */
export class Run implements ExecRun {
  readonly id: string
  readonly summary: Promise<ExecSummary>
  readonly #parts: RunParts
  readonly #stop: LinkedSignal
  readonly #reading = new AbortController()
  readonly #wake = new Wake()
  #isKilled: boolean
  #failure: {readonly error: unknown} | undefined

  constructor(parts: RunParts, signal: AbortSignal | undefined) {
    this.#parts = parts
    this.id = parts.id
    this.#isKilled = parts.mode === 'kill'
    this.#stop = linkSignal(signal)
    this.#stop.signal.addEventListener('abort', () => this.#wake.wake(), {once: true})
    this.summary = this.#lead()
    // Prevents an unhandled rejection if the caller only iterates. The iteration then ends, and `summary` still
    // rejects.
    this.summary.catch(() => {})
  }

  [Symbol.asyncIterator](): AsyncIterator<ExecEvent> {
    return this.#parts.events.read()
  }

  kill(): void {
    this.#isKilled = true
    this.#stop.abort(undefined)
    this.#wake.wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(undefined)
    await this.summary.catch(() => {})
  }

  async #lead(): Promise<ExecSummary> {
    const {client, deliveries, tracker, events, startedAtMs, isDryRun} = this.#parts
    const releases = new ReleaseStack()
    for (const delivery of deliveries) {
      releases.defer(() => this.#close(delivery))
      delivery.lost.addEventListener('abort', () => this.#wake.wake(), {once: true})
    }
    const readers = deliveries.map(delivery => ({delivery, reader: this.#read(delivery)}))
    const followers = readers.map(({reader}) => this.#follow(reader))
    releases.defer(async () => {
      this.#reading.abort()
      await Promise.all(followers)
    })
    try {
      this.#emit(tracker.begin())
      await this.#untilDone(readers)
      this.#emit(tracker.finish())
    } finally {
      await releases[Symbol.asyncDispose]()
      this.#stop[Symbol.dispose]()
      events.close()
    }
    const {results} = tracker
    return {
      verdict: judgeResults(results),
      nodes: results,
      ackedCount: results.filter(result => result.isAcked).length,
      completedCount: tracker.completedCount,
      durationMs: client.clock.monotonicMs() - startedAtMs,
      isDryRun,
    }
  }

  async #untilDone(readers: readonly OpenReader[]): Promise<void> {
    const {client, tracker, mode = 'own'} = this.#parts
    if (mode === 'snapshot' || mode === 'cancel' || mode === 'kill') return this.#readOnce(readers, mode)
    while (true) {
      if (this.#failure) throw this.#failure.error
      this.#settleLost()
      if (tracker.isDone) return
      if (this.#stop.signal.aborted) {
        if (mode === 'follow' && !this.#isKilled) this.#emit(tracker.leave())
        else await this.#cancel()
        return
      }
      const nowMs = client.clock.monotonicMs()
      if (tracker.nextDeadlineMs > nowMs) {
        await this.#sleep(tracker.nextDeadlineMs)
        continue
      }
      if (!(await this.#catchUp(readers))) continue
      this.#settleLost()
      this.#emit(tracker.tick(nowMs))
      await this.#judgeSuspects()
    }
  }

  /**
   * Reads all answers that exist now. Then stops the nodes that have not ended or, for a snapshot, reports them as
   * unfinished.
   */
  async #readOnce(readers: readonly OpenReader[], mode: 'snapshot' | 'cancel' | 'kill'): Promise<void> {
    const {client, tracker} = this.#parts
    await this.#catchUp(readers)
    if (this.#failure) throw this.#failure.error
    this.#settleLost()
    this.#emit(tracker.tick(client.clock.monotonicMs()))
    if (tracker.isDone) return
    if (mode === 'snapshot' || this.#stop.signal.aborted) this.#emit(tracker.leave())
    else await this.#cancel()
  }

  #settleLost(): void {
    const {deliveries, tracker} = this.#parts
    for (const delivery of deliveries) {
      const {lost} = delivery
      if (lost.aborted) this.#emit(tracker.settleRest({type: 'lost', reason: messageOf(lost.reason)}, delivery))
    }
  }

  /**
   * Reads everything that nodes wrote before this call, so that a deadline never decides the outcome of a node whose
   * answer was written but not read. An answer can remain unread while Consul is unavailable, a server shows old state,
   * or this process is suspended. Retries until Consul answers. Resolves with false if the run ends first.
   */
  async #catchUp(readers: readonly OpenReader[]): Promise<boolean> {
    const {client, tracker} = this.#parts
    const backoff = new Backoff({minMs: 100, maxMs: maxRetryMs, random: client.random})
    using link = linkSignal(this.#stop.signal)
    const {signal} = link
    const isOver = (): boolean => signal.aborted || this.#failure !== undefined
    const isRetryable = (error: unknown): boolean => isTransient(error) && !isOver()
    const onRetry = (error: unknown): void => {
      client.logger.warn({job: this.id, error: messageOf(error)}, 'exec.notCaughtUp')
    }
    const attempt = async (): Promise<void> => {
      const open = readers.filter(({delivery}) => !delivery.lost.aborted)
      await Promise.all(open.map(({reader}) => reader.catchUp(signal)))
      tracker.forgive(Math.max(...open.map(({reader}) => reader.troubledAtMs)))
    }
    try {
      await retry(attempt, {signal, clock: client.clock, backoff, isRetryable, onRetry})
      return true
    } catch (error) {
      if (isOver()) return false
      throw error
    }
  }

  /**
   * Cancels the job. Nodes that can be asked to stop must report their end within `cancelPatienceMs`; the others count
   * as cancelled at once.
   */
  async #cancel(): Promise<void> {
    const {client, deliveries, tracker, cancelPatienceMs, mode = 'own'} = this.#parts
    const cancelled: NodeOutcome = {type: 'cancelled'}
    const deadlineMs = client.clock.monotonicMs() + cancelPatienceMs
    let isKillSent = mode === 'kill'
    for (const delivery of deliveries) {
      const asked = delivery.cancel(isKillSent ? 'kill' : 'cancel')
      // If the request to stop a job that another process started fails, that job continues, so the caller must learn
      // of the failure.
      const isAsked = mode === 'own' ? await asked.catch(() => false) : await asked
      if (!isAsked) this.#emit(tracker.settleRest(cancelled, delivery))
    }
    // The cancel message also reaches nodes that have not begun the job, so they count as cancelled.
    if (mode !== 'own') this.#emit(tracker.settleWaiting(cancelled))
    while (!tracker.isDone && !this.#failure && client.clock.monotonicMs() < deadlineMs) {
      if (this.#isKilled && !isKillSent) {
        isKillSent = true
        await Promise.all(deliveries.map(delivery => delivery.cancel('kill').catch(() => false)))
      }
      this.#emit(tracker.tick(client.clock.monotonicMs()))
      await this.#sleep(Math.min(deadlineMs, tracker.nextDeadlineMs))
    }
    this.#emit(tracker.settleRest(cancelled))
  }

  async #judgeSuspects(): Promise<void> {
    const {client, tracker} = this.#parts
    const {signal} = this.#reading
    for (const {node, via} of tracker.suspects(client.clock.monotonicMs())) {
      try {
        const isPassing = await isAlive(client, {node, via}, signal)
        this.#emit(tracker.judge(node, isPassing, client.clock.monotonicMs()))
      } catch (error) {
        client.logger.warn({node, error: messageOf(error)}, 'exec.healthUnknown')
      }
    }
  }

  #read(delivery: JobDelivery): KeyReader {
    const {client, tracker} = this.#parts
    return delivery.reader(reports => {
      const nowMs = client.clock.monotonicMs()
      for (const report of endsLast(reports)) this.#emit(tracker.handle(report, delivery.via, nowMs))
      this.#wake.wake()
    })
  }

  async #follow(reader: KeyReader): Promise<void> {
    try {
      await reader.follow(this.#reading.signal)
    } catch (error) {
      this.#failure ??= {error}
      this.#wake.wake()
    }
  }

  async #close(delivery: JobDelivery): Promise<void> {
    try {
      await delivery[Symbol.asyncDispose]()
    } catch (error) {
      this.#parts.client.logger.warn({job: delivery.id, error: messageOf(error)}, 'exec.cleanUpFailed')
    }
  }

  #emit(events: readonly ExecEvent[]): void {
    for (const event of events) this.#parts.events.push(event)
  }

  /** Waits until the given time or the next report. Returns at once if a report came since the last call. */
  async #sleep(untilMs: number): Promise<void> {
    const {clock} = this.#parts.client
    const ms = Math.max(0, Math.min(longestSleepMs, untilMs - clock.monotonicMs()))
    await this.#wake.waitAtMost(ms, {clock})
  }
}

/** Moves exits behind output. Consul lists keys by name, which may put a node's exit before its output. */
function endsLast(reports: readonly Report[]): readonly Report[] {
  const isEnd = ({type}: Report): boolean => type === 'exit' || type === 'refused' || type === 'allowed'
  return [...reports.filter(report => !isEnd(report)), ...reports.filter(isEnd)]
}

async function isAlive(
  client: ConsulClient,
  {node, via}: {readonly node: string; readonly via: Via},
  signal: AbortSignal,
): Promise<boolean> {
  if (via === 'rexec') return isNodePassing(client, node, signal)
  return (await passingResponders(client, signal)).has(node)
}
