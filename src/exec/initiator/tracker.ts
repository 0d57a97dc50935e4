import {formatDuration} from '../../core/time/duration.js'
import type {ExitReport, JobDelivery, Report} from '../reports.js'
import type {ExecEvent, ExpectedNode, NodeOutcome, NodeResult, Via} from '../types.js'
import {Assembler} from './assembler.js'

/** Number of missed heartbeats after which a node's health is checked. */
const missedBeats = 3
/**
 * Number of heartbeats after which a silent node counts as lost even if its agent is healthy, provided that {@link
 * silentFloorMs} has also passed.
 */
const silentBeats = 10
const silentFloorMs = 30_000
/**
 * Time after the timeout within which a node must report that it is stopping the command. Only nodes that report this
 * get additional time for the stop, so a dead node does not delay the run.
 */
const stopSignMs = 3000
/** Time that a node may need after an outage before it sends its next request. */
const recoveryMs = 15_000

const absences = {
  unknown: 'Consul knows no such node',
  'no-responder': 'the node has no passing responder',
  'other-name': 'the responder of this node has another name',
} as const

export interface TrackerOptions {
  readonly expected: readonly ExpectedNode[]
  /** Nodes that do not receive a dry run, because they cannot check a job without running it. */
  readonly unchecked: readonly string[]
  /** Nodes that do not receive the job, each with the reason. */
  readonly refused: readonly {readonly node: string; readonly code: string; readonly reason: string}[]
  /** Monotonic time of the job's start. No node can have answered earlier. */
  readonly startMs: number
  readonly ackTimeoutMs: number
  /** Reason that is given for nodes that never answered. @default names the ack timeout */
  readonly silence?: string
  readonly timeoutMs: number | undefined
  readonly heartbeatMs: Readonly<Record<Via, number>>
  /** Additional time after the timeout in which a node that is stopping the command may still report its end. */
  readonly timeoutGraceMs: Readonly<Record<Via, number>>
}

interface NodeState {
  readonly node: string
  readonly via: Via
  readonly isExpected: boolean
  readonly isDown: boolean
  readonly assembler: Assembler
  ackedAtMs: number | undefined
  heardAtMs: number
  judgedAtMs: number
  isLate: boolean
  isCompleted: boolean
  announcesStop: boolean
  isStopping: boolean
  droppedBytes: number
  /** Whether the node's answers are signed; undefined until its first report. */
  isSigned: boolean | undefined
  outcome: NodeOutcome | undefined
}

/**
 * Gives every node exactly one outcome. A node is *waiting* until its first report, *running* until its exit or
 * refusal, and then *settled*.
 *
 * - waiting → settled as `no-answer` when the ack timeout has passed. Later reports are shown as late and do not change
 *   the outcome. The run does not wait for a node that is down, but such a node may answer as long as others run.
 * - running → settled by its exit (after all output before it), its refusal, or the job's timeout. Settled as `lost`
 *   when it missed heartbeats and its health check fails, when it has been silent for long although its agent is
 *   healthy, or when it does not report after the timeout that it is stopping the command.
 * - A node that was not expected is shown as unexpected, but is otherwise treated like any other.
 *
 * Every method takes the time as an argument, so that every case can be tested without waiting.
 */
export class Tracker {
  readonly #options: TrackerOptions
  readonly #nodes = new Map<string, NodeState>()
  /** Monotonic time up to which this process could not read reports. */
  #deafUntilMs = Number.NEGATIVE_INFINITY

  constructor(options: TrackerOptions) {
    this.#options = options
    for (const {node, via, isDown} of options.expected) {
      this.#nodes.set(node, this.#newNode({node, via, isExpected: true, isDown: isDown === true}))
    }
  }

  /** Gives an outcome to the nodes to which the job is not sent: absent nodes, and nodes that the initiator refuses or could not check. */
  begin(): ExecEvent[] {
    const {expected, unchecked, refused} = this.#options
    const absent = expected.flatMap(({node, absence}) => (absence ? [{node, reason: absences[absence]}] : []))
    return [
      ...absent.flatMap(({node, reason}) => this.#settleNode(node, {type: 'no-answer', reason})),
      ...refused.flatMap(({node, ...why}) => this.#settleNode(node, {type: 'refused', ...why})),
      ...unchecked.flatMap(node => this.#settleNode(node, this.#unchecked(node))),
    ]
  }

  handle(report: Report, via: Via, nowMs: number): ExecEvent[] {
    const {node} = report
    const events: ExecEvent[] = []
    let state = this.#nodes.get(node)
    if (!state) {
      state = this.#newNode({node, via, isExpected: false, isDown: false})
      this.#nodes.set(node, state)
      events.push({type: 'unexpected', node})
    }
    state.heardAtMs = nowMs
    state.isSigned = state.isSigned !== false && report.isSigned === true
    if (state.outcome?.type === 'no-answer' && !state.isLate) {
      state.isLate = true
      events.push({type: 'late', node})
    }
    if (report.type === 'refused' || report.type === 'allowed') {
      const {node: _node, isSigned: _isSigned, ...outcome} = report
      return [...events, ...this.#settle(state, outcome)]
    }
    if (state.ackedAtMs === undefined) {
      state.ackedAtMs = nowMs
      events.push({type: 'ack', node})
    }
    if (report.type === 'ack') state.announcesStop = report.announcesStop === true
    if (report.type === 'output' && report.isStopping === true) state.isStopping = true
    if (report.type === 'exit') state.assembler.end(report.exit)
    else if (report.type !== 'ack') state.assembler.add(report)
    events.push(...this.#advance(state, nowMs))
    return events
  }

  /**
   * Restarts deadlines that passed while Consul could not be read. Until `untilMs`, the nodes may not have been able to
   * write either.
   */
  forgive(untilMs: number): void {
    this.#deafUntilMs = untilMs
  }

  /** Gives an outcome to the nodes whose deadline has passed. */
  tick(nowMs: number): ExecEvent[] {
    const events: ExecEvent[] = []
    for (const state of this.#nodes.values()) {
      events.push(...this.#advance(state, nowMs))
      if (state.outcome) continue
      if (state.ackedAtMs === undefined) {
        if (nowMs >= this.#ackDeadlineMs) events.push(...this.#settle(state, this.#noAnswer(state)))
      } else if (nowMs >= this.#timeoutDeadlineMs(state)) {
        events.push(...this.#settle(state, this.#overdue(state)))
      }
    }
    return events
  }

  /** Returns the running nodes that have missed heartbeats. Each is returned at most once per heartbeat interval. */
  suspects(nowMs: number): {readonly node: string; readonly via: Via}[] {
    const due = [...this.#nodes.values()].filter(state => this.#suspectAtMs(state) <= nowMs)
    for (const state of due) state.judgedAtMs = nowMs
    return due.map(({node, via}) => ({node, via}))
  }

  /** Gives a running node the outcome `lost` if its health check fails or it has been silent for too long. */
  judge(node: string, isPassing: boolean, nowMs: number): ExecEvent[] {
    const state = this.#nodes.get(node)
    if (!state || state.outcome) return []
    const silentMs = nowMs - this.#heardAtMs(state)
    const beatMs = this.#options.heartbeatMs[state.via]
    if (silentMs <= missedBeats * beatMs) return []
    const silence = `nothing heard for ${formatDuration(silentMs)}`
    if (!isPassing) return this.#settle(state, {type: 'lost', reason: `${silence}, and its health check fails`})
    if (silentMs < Math.max(silentFloorMs, silentBeats * beatMs)) return []
    return this.#settle(state, {type: 'lost', reason: `${silence}, although its agent is healthy`})
  }

  /**
   * Gives the same outcome to all unfinished nodes or, if `delivery` is given, to the unfinished nodes that it reaches.
   */
  settleRest(outcome: NodeOutcome, delivery?: Pick<JobDelivery, 'via' | 'nodes'>): ExecEvent[] {
    const isReached = ({via, node}: NodeState): boolean =>
      !delivery || (delivery.via === via && (delivery.nodes?.has(node) ?? true))
    const rest = [...this.#nodes.values()].filter(isReached)
    return rest.flatMap(state => this.#settle(state, outcome))
  }

  /** Gives the same outcome to all nodes that have not begun the job. */
  settleWaiting(outcome: NodeOutcome): ExecEvent[] {
    const waiting = [...this.#nodes.values()].filter(({ackedAtMs}) => ackedAtMs === undefined)
    return waiting.flatMap(state => this.#settle(state, outcome))
  }

  /** Gives the nodes that have not ended the outcome `unfinished`, because the run no longer follows them. */
  leave(): ExecEvent[] {
    return [...this.#nodes.values()].flatMap(state => {
      const reason = state.ackedAtMs === undefined ? 'it has not begun the job' : 'it runs the job'
      return this.#settle(state, {type: 'unfinished', reason})
    })
  }

  /** True if no node can still change the result of the run. */
  get isDone(): boolean {
    const open = [...this.#nodes.values()].filter(state => !state.outcome)
    if (open.length === 0) return true
    const allDown = [...this.#nodes.values()].every(state => state.isDown)
    return !allDown && open.every(state => state.isDown && state.ackedAtMs === undefined)
  }

  /** Gives an outcome to the nodes for which the run does not wait. */
  finish(): ExecEvent[] {
    return [...this.#nodes.values()].flatMap(state => (state.outcome ? [] : this.#settle(state, this.#noAnswer(state))))
  }

  get nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY
    for (const state of this.#nodes.values()) {
      next = Math.min(next, state.assembler.deadlineMs)
      if (state.outcome) continue
      next = Math.min(next, state.ackedAtMs === undefined ? this.#ackDeadlineMs : this.#timeoutDeadlineMs(state))
      next = Math.min(next, this.#suspectAtMs(state))
    }
    return next
  }

  get results(): readonly NodeResult[] {
    return [...this.#nodes.values()].map(state => ({
      node: state.node,
      via: state.via,
      outcome: state.outcome ?? {type: 'lost', reason: 'the run ended'},
      isExpected: state.isExpected,
      isAcked: state.ackedAtMs !== undefined,
      ...(state.droppedBytes > 0 && {droppedBytes: state.droppedBytes}),
      isSigned: state.isSigned === true,
      isLate: state.isLate,
    }))
  }

  get completedCount(): number {
    return [...this.#nodes.values()].filter(state => state.isCompleted).length
  }

  get #ackDeadlineMs(): number {
    const {startMs, ackTimeoutMs} = this.#options
    return Math.max(startMs + ackTimeoutMs, this.#deafUntilMs + Math.max(ackTimeoutMs, recoveryMs))
  }

  #timeoutDeadlineMs(state: NodeState): number {
    const {timeoutMs, timeoutGraceMs} = this.#options
    if (timeoutMs === undefined || state.ackedAtMs === undefined) return Number.POSITIVE_INFINITY
    const graceMs = isSilentlyLate(state) ? stopSignMs : timeoutGraceMs[state.via]
    return Math.max(state.ackedAtMs + timeoutMs, this.#deafUntilMs) + graceMs
  }

  #overdue(state: NodeState): NodeOutcome {
    const afterMs = this.#options.timeoutMs ?? 0
    if (!isSilentlyLate(state)) return {type: 'timed-out', afterMs}
    const reason = `nothing heard for ${formatDuration(stopSignMs)} after the timeout of ${formatDuration(afterMs)}`
    return {type: 'lost', reason: `${reason}: its responder does not stop the command`}
  }

  #suspectAtMs(state: NodeState): number {
    if (state.outcome || state.ackedAtMs === undefined) return Number.POSITIVE_INFINITY
    const beatMs = this.#options.heartbeatMs[state.via]
    return Math.max(this.#heardAtMs(state) + missedBeats * beatMs, state.judgedAtMs + beatMs)
  }

  #heardAtMs(state: NodeState): number {
    return Math.max(state.heardAtMs, this.#deafUntilMs)
  }

  #advance(state: NodeState, nowMs: number): ExecEvent[] {
    const {events, exit, missingCount} = state.assembler.advance(nowMs)
    if (!exit) return [...events]
    state.isCompleted = exit.isInterrupted !== true
    state.droppedBytes = exit.droppedBytes ?? 0
    const last: ExecEvent[] = state.isCompleted ? [{type: 'exit', node: state.node, code: exit.code}] : []
    const {node, droppedBytes} = state
    const cut: ExecEvent[] = droppedBytes > 0 ? [{type: 'truncated', node, droppedBytes}] : []
    return [...events, ...cut, ...last, ...this.#settle(state, this.#toOutcome(exit, missingCount))]
  }

  #toOutcome(exit: ExitReport, missingCount: number): NodeOutcome {
    if (exit.isInterrupted === true) return {type: 'lost', reason: 'its responder was restarted while the job ran'}
    if (exit.isTimedOut === true) return {type: 'timed-out', afterMs: this.#options.timeoutMs ?? exit.ranMs ?? 0}
    if (exit.isCancelled === true) return {type: 'cancelled'}
    if (missingCount > 0) {
      return {type: 'lost', reason: `exit code ${exit.code}, but ${missingCount} part(s) of its output are missing`}
    }
    if (exit.code === 0) return {type: 'ok'}
    return {type: 'failed', code: exit.code, ...(exit.signal !== undefined && {signal: exit.signal})}
  }

  #noAnswer(state: NodeState): NodeOutcome {
    const reason = state.isDown
      ? 'Consul reports the node down'
      : (this.#options.silence ?? `no ack within ${formatDuration(this.#options.ackTimeoutMs)}`)
    return {type: 'no-answer', reason}
  }

  #unchecked(node: string): NodeOutcome {
    const isAgent = this.#nodes.get(node)?.via === 'rexec'
    return {type: 'unchecked', reason: isAgent ? 'agents do not check jobs' : 'its responder is older'}
  }

  #settleNode(node: string, outcome: NodeOutcome): ExecEvent[] {
    const state = this.#nodes.get(node)
    return state ? this.#settle(state, outcome) : []
  }

  #settle(state: NodeState, outcome: NodeOutcome): ExecEvent[] {
    if (state.outcome) return []
    state.outcome = outcome
    return [{type: 'outcome', node: state.node, outcome}]
  }

  #newNode(known: Pick<NodeState, 'node' | 'via' | 'isExpected' | 'isDown'>): NodeState {
    return {
      ...known,
      assembler: new Assembler(known.node),
      ackedAtMs: undefined,
      heardAtMs: this.#options.startMs,
      judgedAtMs: Number.NEGATIVE_INFINITY,
      isLate: false,
      isCompleted: false,
      announcesStop: false,
      isStopping: false,
      droppedBytes: 0,
      isSigned: undefined,
      outcome: undefined,
    }
  }
}

/** True if the node should have reported after the timeout that it is stopping the command, but has not. */
const isSilentlyLate = ({announcesStop, isStopping}: NodeState): boolean => announcesStop && !isStopping
