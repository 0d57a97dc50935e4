import {type LinkedSignal, linkSignal} from '../../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../../core/client.js'
import {messageOf} from '../../../core/errors.js'
import type {
  ExecEvent,
  ExecRun,
  ExecSummary,
  ExpectedNode,
  NodeOutcome,
  NodeResult,
  RolloutOptions,
  Slot,
} from '../../types.js'
import {EventQueue} from '../event-queue.js'
import {judgeResults} from '../verdict.js'
import type {HealthGate} from './health-gate.js'
import {countOf, toBatches} from './shares.js'

export interface RolloutParts {
  readonly client: ConsulClient
  readonly id: string
  readonly expected: readonly ExpectedNode[]
  readonly serviceNamesMatched: readonly string[]
  readonly options: RolloutOptions
  readonly gate: HealthGate | undefined
  /** Names of Consul's nodes, by the names under which the run knows them. */
  readonly consulNodes: ReadonlyMap<string, string>
  readonly startedAtMs: number
  /** Starts a job for these nodes. */
  readonly start: (nodes: readonly string[], signal: AbortSignal) => Promise<ExecRun>
}

const defaultHealthyTimeoutMs = 300_000
const fine: ReadonlySet<NodeOutcome['type']> = new Set(['ok', 'allowed', 'unchecked'])
/**
 * Outcomes after which the job can run again on a node, because nothing of the first attempt still runs there. After
 * `timed-out`, the node must also have reported the end of the command, because agents let a command continue after its
 * timeout.
 */
const repeatable: ReadonlySet<NodeOutcome['type']> = new Set(['failed', 'timed-out', 'no-answer'])
const timeIsOver = Symbol('timeIsOver')

/**
 * Runs a command on one batch of nodes after another, with a job for each batch. The states of a roll-out:
 *
 * *running*: a batch runs. If slots limit the roll-out, no more nodes run the job at a time than there are slots. Nodes
 * that failed in a way that permits another attempt get it before the batch ends. *gate*: the service must become
 * healthy on the nodes of the batch. *pause*: the pause before the next batch. *stopped*: too many nodes failed, the
 * service did not become healthy, a batch could not be started, the total time has passed, or the run was cancelled.
 * The remaining nodes are then reported as not run.
 */
export class Rollout implements ExecRun {
  readonly id: string
  readonly summary: Promise<ExecSummary>
  readonly #parts: RolloutParts
  readonly #events = new EventQueue<ExecEvent>()
  readonly #stop: LinkedSignal
  readonly #results = new Map<string, NodeResult>()
  readonly #completed = new Set<string>()
  readonly #running = new Set<ExecRun>()
  /** Reason why no more nodes are started; undefined while nodes may be started. */
  #stopReason: string | undefined

  constructor(parts: RolloutParts, signal: AbortSignal | undefined) {
    this.#parts = parts
    this.id = parts.id
    const {totalTimeoutMs} = parts.options
    this.#stop = linkSignal(signal, {
      clock: parts.client.clock,
      ...(totalTimeoutMs !== undefined && {timeoutMs: totalTimeoutMs}),
      onTimeout: () => timeIsOver,
    })
    this.summary = this.#lead()
    // Prevents an unhandled rejection if the caller only iterates.
    this.summary.catch(() => {})
  }

  [Symbol.asyncIterator](): AsyncIterator<ExecEvent> {
    return this.#events.read()
  }

  kill(): void {
    this.#stop.abort(undefined)
    for (const run of this.#running) run.kill()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(undefined)
    await this.summary.catch(() => {})
  }

  async #lead(): Promise<ExecSummary> {
    const {client, expected, serviceNamesMatched, options, startedAtMs} = this.#parts
    this.#events.push({type: 'targets', nodes: expected, serviceNamesMatched})
    const batches = toBatches(
      expected.map(({node}) => node),
      options.batches ?? ['100%'],
    )
    try {
      for (const [at, nodes] of batches.entries()) {
        if (at > 0) await this.#between(batches[at - 1] ?? [])
        if (this.#isOver()) break
        await this.#runBatch(nodes, at + 1)
      }
      this.#settleRest()
    } finally {
      this.#stop[Symbol.dispose]()
      this.#events.close()
    }
    const nodes = [...this.#results.values()]
    return {
      verdict: judgeResults(nodes, this.#stopReason !== undefined),
      nodes,
      ackedCount: nodes.filter(({isAcked}) => isAcked).length,
      completedCount: this.#completed.size,
      durationMs: client.clock.monotonicMs() - startedAtMs,
      isDryRun: false,
    }
  }

  #isOver(): boolean {
    return this.#stopReason !== undefined || this.#stop.signal.aborted
  }

  async #runBatch(nodes: readonly string[], number: number): Promise<void> {
    const {slotCount, openSlot} = this.#parts.options
    if (slotCount === undefined) return this.#runNodes(nodes, number)
    const waiting = [...nodes]
    const work = async (): Promise<void> => {
      for (let node = waiting.shift(); node !== undefined && !this.#isOver(); node = waiting.shift()) {
        await this.#runInSlot(node, number, openSlot)
      }
    }
    await Promise.all(Array.from({length: slotCount}, work))
  }

  async #runInSlot(node: string, number: number, openSlot: RolloutOptions['openSlot']): Promise<void> {
    let slot: Slot | undefined
    try {
      slot = await openSlot?.(this.#stop.signal)
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#stopReason ??= `no slot: ${messageOf(error)}`
      return
    }
    try {
      if (!this.#isOver()) await this.#runNodes([node], number, slot?.signal)
    } finally {
      await slot?.[Symbol.asyncDispose]()
    }
  }

  /** Runs the job on these nodes, and repeats it on nodes where a retry is allowed. */
  async #runNodes(nodes: readonly string[], number: number, lost?: AbortSignal): Promise<void> {
    const {retryCount = 0} = this.#parts.options
    let rest = nodes
    for (let attempt = 1; rest.length > 0 && !this.#isOver(); attempt += 1) {
      const mayRepeat = attempt <= retryCount
      rest = await this.#attempt(rest, {number, attempt, mayRepeat, lost})
    }
    if (this.#stop.signal.aborted) return
    const {expected, options} = this.#parts
    const {maxFailures = 0} = options
    const failed = [...this.#results.values()].filter(({outcome}) => !fine.has(outcome.type)).length
    if (failed > countOf(maxFailures, expected.length)) this.#stopReason ??= `${failed} node(s) failed`
  }

  /** Runs the job once on these nodes. Resolves with the nodes to retry. */
  async #attempt(
    nodes: readonly string[],
    turn: {
      readonly number: number
      readonly attempt: number
      readonly mayRepeat: boolean
      readonly lost: AbortSignal | undefined
    },
  ): Promise<readonly string[]> {
    using cancel = linkSignal(this.#stop.signal)
    const onLost = (): void => cancel.abort(turn.lost?.reason)
    turn.lost?.addEventListener('abort', onLost, {once: true})
    let run: ExecRun
    try {
      run = await this.#parts.start(nodes, cancel.signal)
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#stopReason ??= `batch ${turn.number}: ${messageOf(error)}`
      return []
    }
    this.#running.add(run)
    try {
      if (turn.attempt === 1) this.#events.push({type: 'batch', number: turn.number, job: run.id, nodes})
      return await this.#follow(run, turn)
    } finally {
      turn.lost?.removeEventListener('abort', onLost)
      this.#running.delete(run)
      await run[Symbol.asyncDispose]()
    }
  }

  async #follow(
    run: ExecRun,
    {attempt, mayRepeat}: {readonly attempt: number; readonly mayRepeat: boolean},
  ): Promise<readonly string[]> {
    const again = new Set<string>()
    for await (const event of run) {
      if (event.type === 'targets') continue
      if (event.type === 'exit') this.#completed.add(event.node)
      if (event.type === 'outcome') {
        const outcome = this.#ownOutcome(event.outcome)
        if (mayRepeat && this.#isRepeatable(event.node, outcome) && !this.#isOver()) {
          again.add(event.node)
          this.#completed.delete(event.node)
          this.#events.push({type: 'retry', node: event.node, attempt: attempt + 1, outcome})
        } else this.#events.push({...event, outcome})
      } else this.#events.push(event)
    }
    for (const result of (await run.summary).nodes) {
      if (again.has(result.node)) continue
      const outcome = this.#ownOutcome(result.outcome)
      this.#results.set(result.node, {...result, outcome, ...(attempt > 1 && {attempts: attempt})})
    }
    return [...again]
  }

  #isRepeatable(node: string, {type}: NodeOutcome): boolean {
    return repeatable.has(type) && (type !== 'timed-out' || this.#completed.has(node))
  }

  /** Returns the outcome, or `timed-out` if the node was cancelled because of the total timeout. */
  #ownOutcome(outcome: NodeOutcome): NodeOutcome {
    if (outcome.type !== 'cancelled' || this.#stop.signal.reason !== timeIsOver) return outcome
    return {type: 'timed-out', afterMs: this.#parts.options.totalTimeoutMs ?? 0}
  }

  /** Waits until the service is healthy on the nodes of a batch, and then for the pause between batches. */
  async #between(nodes: readonly string[]): Promise<void> {
    const {client, gate, options, consulNodes} = this.#parts
    const {untilHealthy: service = '', healthyTimeoutMs: timeoutMs = defaultHealthyTimeoutMs, pauseMs = 0} = options
    const {signal} = this.#stop
    if (this.#isOver()) return
    try {
      if (gate) {
        this.#events.push({type: 'gate', service, state: 'waiting', nodes})
        const watched = nodes.map(node => consulNodes.get(node) ?? node)
        const isOpen = await gate.pass(watched, {timeoutMs, signal})
        this.#events.push({type: 'gate', service, state: isOpen ? 'open' : 'closed', nodes})
        if (!isOpen) this.#stopReason ??= `the service ${service} did not become healthy`
      }
      if (!this.#isOver() && pauseMs > 0) await client.clock.sleep(pauseMs, signal)
    } catch (error) {
      if (!signal.aborted) this.#stopReason ??= messageOf(error)
    }
  }

  /** Reports every node on which the job was not started as `not-run`. */
  #settleRest(): void {
    const isLate = this.#stop.signal.reason === timeIsOver
    const reason = this.#stopReason ?? 'the run was stopped'
    for (const {node, via} of this.#parts.expected) {
      if (this.#results.has(node)) continue
      const cancelled: NodeOutcome = {type: 'cancelled'}
      const outcome: NodeOutcome = isLate ? this.#ownOutcome(cancelled) : {type: 'not-run', reason}
      this.#events.push({type: 'outcome', node, outcome})
      this.#results.set(node, {node, via, outcome, isExpected: true, isAcked: false, isSigned: false, isLate: false})
    }
  }
}
