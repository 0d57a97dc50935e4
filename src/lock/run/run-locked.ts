import {CancelledError, LockLostError} from '../../core/errors.js'
import type {Clock} from '../../core/types.js'
import {type Child, startChild} from '../../process/child.js'
import type {ChildSpec} from '../../process/child-spec.js'
import type {ChildExit} from '../../process/exit-code.js'
import type {FamilyShape} from '../../process/family.js'
import type {Guardian} from '../../process/guardian/guardian.js'
import {type Launcher, launchPlainly} from '../../process/launch.js'
import {Alarm} from '../../session/alarm.js'
import type {Hold} from '../types.js'

/**
 * Signals that ask baton to stop. The first one is passed on to the child; the second one ends the grace. A
 * child on a terminal receives the terminal's signals directly.
 */
export interface StopRequests {
  /** Aborts with the first request. */
  readonly signal: AbortSignal
  onEach(listener: (name: NodeJS.Signals) => void): void
}

export interface RunLockedOptions {
  readonly child: ChildSpec
  readonly clock: Clock
  /** Returns the time since boot in milliseconds. */
  readonly now: () => number
  readonly graceMs: number
  readonly maxRuntimeMs?: number
  /**
   * First signal that the child receives when the lock is lost. If it is KILL, the child gets no grace.
   * @default 'SIGTERM'
   */
  readonly lossSignal?: NodeJS.Signals
  /** What happens to processes that the child leaves behind when it ends. @default 'stop' */
  readonly leftover?: Leftover
  readonly stops: StopRequests
  /** Starts the child. @default a new process */
  readonly launch?: Launcher
  readonly observer?: (event: RunEvent) => void
  /**
   * The guardian process. Receives the processes to guard once the child runs, and later the news that none is left.
   */
  readonly guardian?: Pick<Guardian, 'watch' | 'familyIsGone'> | undefined
}

export type RunEvent =
  | {readonly type: 'child.started'; readonly pid: number}
  | {readonly type: 'child.signalled'; readonly signal: NodeJS.Signals; readonly why: StopCause}
  | {readonly type: 'child.exited'; readonly code: number; readonly signal: NodeJS.Signals | undefined}
  | {readonly type: 'child.leftover'; readonly action: Leftover}
  | {readonly type: 'guardian.failed'; readonly why: string}

/**
 * What happens to processes that the child leaves behind. `stop`: they are stopped. `wait`: the lock is held until they
 * have ended. `leave`: they keep running without the lock.
 */
export type Leftover = 'stop' | 'wait' | 'leave'

export type StopCause = 'lost' | 'stop-signal' | 'max-runtime' | 'leftover'

export type RunVerdict =
  | {readonly type: 'exited'; readonly exit: ChildExit}
  | {readonly type: 'lost'; readonly error: Error}
  | {readonly type: 'max-runtime'; readonly exit: ChildExit}

const leftoverLookMs = 100

/** Signals that a terminal sends to its whole foreground group: the child has received them itself. */
const terminalSignals: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT'])

/**
 * Runs a child under a hold. Resolves when the child and all its descendants have ended or, if descendants are to be
 * left alone, when the child has ended. The caller then releases the hold. Rejects with a ChildError if the child
 * cannot be started. If the lock is lost, the verdict says so, however the child ended.
 */
export async function runLocked(hold: Hold, options: RunLockedOptions): Promise<RunVerdict> {
  if (hold.signal.aborted) return lost(hold)
  // If a child were started now, it could not be stopped before another contender may hold the lock.
  if (options.now() >= hold.deadline.termAtMs) {
    return {type: 'lost', error: new LockLostError(`lock ${hold.prefix}: lost before the command was started`)}
  }
  options.stops.signal.throwIfAborted()
  const child = await startChild(options.child, options.launch ?? launchPlainly)
  options.guardian?.watch(child.family)
  const verdict = await new LockedRun(hold, child, options).finish()
  options.guardian?.familyIsGone()
  return verdict
}

const signalNameOf = (reason: unknown): NodeJS.Signals =>
  (reason instanceof CancelledError && reason.signalName) || 'SIGTERM'

const lost = (hold: Hold): RunVerdict => ({type: 'lost', error: hold.signal.reason as Error})

/**
 * Runs until the child ends or is stopped. Stopping is one sequence (a signal, the grace, KILL), which further reasons
 * to stop can only shorten. The deadline of the hold shortens every grace.
 */
class LockedRun {
  readonly #hold: Hold
  readonly #child: Child
  readonly #options: RunLockedOptions
  readonly #hurry = new AbortController()
  readonly #killAlarm: Alarm
  #stopping: Promise<void> | undefined
  #isOverrun = false
  #isOver = false

  constructor(hold: Hold, child: Child, options: RunLockedOptions) {
    this.#hold = hold
    this.#child = child
    this.#options = options
    const {clock, now} = options
    this.#killAlarm = new Alarm({clock, now, ring: () => this.#hurry.abort()})
    this.#emit({type: 'child.started', pid: child.pid})
    const {stops} = options
    // Passes on a signal that arrived while the child was being started and therefore did not reach the child.
    if (stops.signal.aborted) this.#passOn(signalNameOf(stops.signal.reason))
    stops.onEach(name => this.#handleStop(name))
    if (hold.signal.aborted) this.#handleLoss()
    hold.signal.addEventListener('abort', this.#handleLoss, {once: true})
  }

  async finish(): Promise<RunVerdict> {
    const {clock, maxRuntimeMs} = this.#options
    const limit = maxRuntimeMs === undefined ? undefined : clock.timer(maxRuntimeMs, () => this.#handleOverrun())
    try {
      const exit = await this.#child.exited
      this.#emit({type: 'child.exited', code: exit.code, signal: exit.signal})
      if (!this.#stopping && !this.#child.isGone()) await this.#handleLeftover()
      await this.#stopping
      if (this.#hold.signal.aborted) return lost(this.#hold)
      // After the machine was suspended, baton may notice the exit of the child before it notices that the deadline of
      // the hold has passed.
      if (this.#options.now() >= this.#hold.deadline.termAtMs) {
        return {type: 'lost', error: new LockLostError(`lock ${this.#hold.prefix}: lost: not proven in time`)}
      }
      return this.#isOverrun ? {type: 'max-runtime', exit} : {type: 'exited', exit}
    } finally {
      this.#isOver = true
      limit?.[Symbol.dispose]()
      this.#killAlarm[Symbol.dispose]()
      this.#hold.signal.removeEventListener('abort', this.#handleLoss)
    }
  }

  async #handleLeftover(): Promise<void> {
    const {leftover: action = 'stop', graceMs, clock} = this.#options
    this.#emit({type: 'child.leftover', action})
    if (action === 'stop') this.#stop('leftover', graceMs)
    if (action !== 'wait') return
    while (!this.#stopping && !this.#child.isGone()) await clock.sleep(leftoverLookMs)
  }

  readonly #handleLoss = (): void => {
    const {now, lossSignal} = this.#options
    const graceMs = lossSignal === 'SIGKILL' ? 0 : this.#options.graceMs
    const killAtMs = Math.min(now() + graceMs, this.#hold.deadline.killAtMs)
    this.#killAlarm.set(killAtMs)
    this.#stop('lost', graceMs)
  }

  #handleOverrun(): void {
    this.#isOverrun = true
    this.#stop('max-runtime', this.#options.graceMs)
  }

  #handleStop(name: NodeJS.Signals): void {
    if (this.#isOver) return
    if (this.#stopping) this.#hurry.abort()
    else if (this.#options.child.shape === 'group' || !terminalSignals.has(name)) this.#passOn(name)
  }

  #passOn(name: NodeJS.Signals): void {
    this.#stopping = this.#child.stop({graceMs: this.#options.graceMs, hurry: this.#hurry.signal, signal: name})
    this.#emit({type: 'child.signalled', signal: name, why: 'stop-signal'})
  }

  #stop(why: StopCause, graceMs: number): void {
    if (this.#stopping) {
      // The child's processes may have ignored an earlier signal and little time is left, so they are signalled again.
      if (why === 'lost') this.#child.signal(this.#lossSignal)
      return
    }
    this.#stopping = this.#child.stop({
      graceMs,
      ...(why === 'lost' && {signal: this.#lossSignal}),
      hurry: this.#hurry.signal,
      onSignal: signal => this.#emit({type: 'child.signalled', signal, why}),
    })
  }

  get #lossSignal(): NodeJS.Signals {
    return this.#options.lossSignal ?? 'SIGTERM'
  }

  #emit(event: RunEvent): void {
    this.#options.observer?.(event)
  }
}

/**
 * Returns how a child is started: on baton's terminal if stdin is a terminal, otherwise in a process group of its own.
 */
export const familyShape = (isTerminal: boolean): FamilyShape => (isTerminal ? 'terminal' : 'group')
