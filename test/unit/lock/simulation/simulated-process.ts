import {type ConsulClient, createClient} from '../../../../src/core/client.js'
import {messageOf, TransportError} from '../../../../src/core/errors.js'
import {sleepOn} from '../../../../src/core/time/clock.js'
import type {Clock, SessionId, Timer} from '../../../../src/core/types.js'
import {MutexKind} from '../../../../src/lock/contend/mutex-kind.js'
import {createLock} from '../../../../src/lock/lock.js'
import type {Hold, LockOptions} from '../../../../src/lock/types.js'
import {FakeTransport} from '../../../kit/fake-transport.js'
import type {Seeded} from '../../core/support/seeded.js'
import type {Judge, Run} from './judge.js'
import type {ModelConsul} from './model-consul.js'
import {answerAsConsul, toBytes} from './model-http.js'

export interface World {
  readonly clock: Clock
  readonly random: Seeded
  readonly consul: ModelConsul
  readonly judge: Judge
  readonly prefix: string
  /** Probability that a request or an answer is lost. */
  lossRate: number
  /** Probability that a message takes about as long as other contenders wait before they pass a contender over. */
  readonly slowRate: number
  steps: number
}

/** The clock of a process. Timers and answers wait while the process is stopped, and never come if it was killed. */
class ProcessClock implements Clock {
  state: 'running' | 'stopped' | 'dead' = 'running'
  readonly #world: World
  readonly #late: (() => void)[] = []

  constructor(world: World) {
    this.#world = world
  }

  monotonicMs = (): number => this.#world.clock.monotonicMs()
  wallMs = (): number => this.#world.clock.wallMs()
  sleep = (ms: number, signal?: AbortSignal): Promise<void> => sleepOn(this, ms, signal)

  timer(ms: number, callback: () => void): Timer {
    let isFired = false
    let isDisposed = false
    const fire = (): void => {
      if (isDisposed || this.state === 'dead') return
      if (this.state === 'stopped') {
        this.#late.push(fire)
        return
      }
      isFired = true
      callback()
    }
    const timer = this.#world.clock.timer(ms, () => {
      this.#world.steps += 1
      fire()
    })
    return {
      get fired() {
        return isFired
      },
      [Symbol.dispose]: () => {
        isDisposed = true
        timer[Symbol.dispose]()
      },
    }
  }

  continue(): void {
    this.state = 'running'
    for (const callback of this.#late.splice(0)) callback()
  }
}

const guardianLaterMs = 200
const graceMs = 2000
/**
 * A time limit that never passes. It is set because, without one, baton does not repeat its first request if that
 * fails.
 */
const longestWaitMs = 1_000_000_000

/**
 * A mutex whose contenders do not wait for each other on one host, because each simulated contender has its own host.
 */
class LoneMutexKind extends MutexKind {
  override readonly hasLocalLine: boolean = false
}

/**
 * A baton process with its guardian process and its child, as a lock runs them. The client and the lock are the real
 * ones.
 */
export class SimulatedProcess {
  readonly name: string
  readonly clock: ProcessClock
  readonly done: Promise<void>
  runs = 0
  readonly #world: World
  readonly #client: ConsulClient
  readonly #kind: LoneMutexKind
  readonly #stop = new AbortController()
  readonly #options: LockOptions
  #session: SessionId | undefined
  #child: {readonly run: Run; readonly hold: Hold} | undefined
  #isGuarded = true

  constructor(name: string, world: World, options: {readonly isServer: boolean; readonly fair?: LockOptions['fair']}) {
    this.name = name
    this.#world = world
    this.clock = new ProcessClock(world)
    const transport = new FakeTransport(
      async request => {
        world.steps += 1
        const {clock, random} = world
        await clock.sleep(travelMs(world))
        if (random() < world.lossRate) throw lostRequest()
        const answer = await answerAsConsul(world.consul, request, options)
        if (random() < world.lossRate) throw lostRequest()
        await this.clock.sleep(travelMs(world))
        if (request.signal?.aborted !== true) request.onFirstByte?.(toBytes(answer))
        return answer
      },
      {clock: this.clock},
    )
    this.#client = createClient({address: 'model:8500', transport, clock: this.clock, random: world.random})
    this.#options = {
      prefix: world.prefix,
      graceMs,
      fair: options.fair ?? (world.random() < 0.5 ? 'share' : 'queue'),
      observer: event => {
        if (event.type === 'session.created') this.#session = event.session
      },
    }
    this.#kind = new LoneMutexKind(this.#client, this.#options)
    this.done = this.#contend()
  }

  /**
   * Kills baton as `kill -9` does. The guardian process then stops the child and releases the lock, unless it is also
   * killed.
   */
  kill({isGuardianKilled}: {readonly isGuardianKilled: boolean}): void {
    this.clock.state = 'dead'
    this.#isGuarded = !isGuardianKilled
    const {clock, random} = this.#world
    const child = this.#child
    // If the machine loses power, the child ends as well.
    if (child && isGuardianKilled) this.#end(child.run)
    if (isGuardianKilled) return
    void clock.sleep(child ? random() * graceMs : 0).then(() => {
      if (child) this.#end(child.run)
      return this.#release()
    })
  }

  freeze(): void {
    if (this.clock.state === 'running') this.clock.state = 'stopped'
  }

  thaw(): void {
    if (this.clock.state === 'stopped') this.clock.continue()
  }

  /** Sends SIGTERM to baton. */
  stop(): void {
    this.#stop.abort(new Error('stopped'))
  }

  async #contend(): Promise<void> {
    const {random, judge} = this.#world
    const lock = createLock(this.#client, this.#options, () => this.#kind)
    const isStopped = (): boolean => this.#stop.signal.aborted
    while (!isStopped()) {
      try {
        const hold = await lock.acquire({signal: this.#stop.signal, timeoutMs: longestWaitMs})
        await this.#run(hold)
        await hold.release()
        this.runs += 1
      } catch (error) {
        if (!isStopped()) judge.faults.push(`${this.name}: ${messageOf(error)}`)
      }
      await this.clock.sleep(random() * 50)
    }
    await this.#client[Symbol.asyncDispose]()
  }

  /** Runs the child, with the same checks and deadlines as in `runLocked` and in the guardian process. */
  async #run(hold: Hold): Promise<void> {
    const {clock, random, judge} = this.#world
    if (hold.signal.aborted || this.clock.monotonicMs() >= hold.deadline.termAtMs) return
    const run = judge.start(this.name, hold.token, clock.monotonicMs())
    this.#child = {run, hold}
    const workEndsAtMs = clock.monotonicMs() + random() * (random() < 0.2 ? 20_000 : 200)
    let killAtMs = Number.POSITIVE_INFINITY
    hold.signal.addEventListener('abort', () => {
      killAtMs = Math.min(clock.monotonicMs() + random() * graceMs, hold.deadline.killAtMs)
    })
    while (!run.isOver) {
      const now = clock.monotonicMs()
      if (now >= Math.min(workEndsAtMs, killAtMs)) this.#end(run)
      // The guardian process ends the child if baton does not.
      else if (this.#isGuarded && now >= hold.deadline.killAtMs + guardianLaterMs) this.#end(run)
      else await clock.sleep(Math.min(100, Math.max(1, Math.min(workEndsAtMs, killAtMs) - now)))
    }
    // baton notices the end of the child when it runs again.
    await this.clock.sleep(0)
  }

  #end(run: Run): void {
    if (!run.isOver) this.#world.judge.end(run)
    if (this.#child?.run === run) this.#child = undefined
  }

  async #release(): Promise<void> {
    const {clock, random, consul} = this.#world
    const session = this.#session
    if (session === undefined) return
    for (const operations of this.#kind.lastWill(session)) {
      await clock.sleep(1 + random() * 8)
      consul.commit(operations)
    }
    await clock.sleep(1 + random() * 8)
    consul.endSession(session)
  }
}

const travelMs = ({random, slowRate}: World): number => (random() < slowRate ? 200 + random() * 400 : 1 + random() * 8)

const lostRequest = (): TransportError => new TransportError('BATON_CONNECT', 'connection reset', {transient: true})
