import {randomUUID} from 'node:crypto'
import {linkSignal} from '../core/cancel/link-signal.js'
import type {ClientOptions, ConsulClient} from '../core/client.js'
import {CancelledError} from '../core/errors.js'
import {Backoff} from '../core/time/backoff.js'
import {type Child, startChild} from '../process/child.js'
import type {ChildSpec} from '../process/child-spec.js'
import type {ChildExit} from '../process/exit-code.js'
import {agentRequests} from '../process/guardian/agent-requests.js'
import {Guardian} from '../process/guardian/guardian.js'
import {launchPlainly} from '../process/launch.js'
import {followHealth} from './health.js'
import {PatientRegistration} from './patient-registration.js'
import type {Probe} from './probe.js'
import type {OfferedService, ServiceEvent} from './types.js'

/** Requests to stop. The first one begins the stop; the second one skips the rest of the drain and grace times. */
export interface StopRequests {
  /** Aborts at the first request to stop. */
  readonly signal: AbortSignal
  onEach(listener: (name: NodeJS.Signals) => void): void
}

export type RestartPolicy = 'never' | 'on-failure' | 'always'

export interface RunServiceOptions {
  readonly service: OfferedService & {readonly id: string}
  /** The program. Variables that describe the service are added to its `env`. */
  readonly child: Omit<ChildSpec, 'clock' | 'markedBy' | 'shape'>
  /** Probes of the program's health. If there are none, the service is passing while the program runs. */
  readonly probes: readonly Probe[]
  readonly intervalMs: number
  /** Time after which an unanswered probe counts as critical. */
  readonly probeTimeoutMs: number
  /** Time in milliseconds between the first signal to the program and KILL. */
  readonly graceMs: number
  /** Time in milliseconds between the removal of the service and the first signal to the program. */
  readonly drainMs: number
  /** Whether the program is started again after it has exited. */
  readonly restart: RestartPolicy
  readonly stops: StopRequests
  /** Connection options for the guardian process, which removes the service if this process dies. */
  readonly connection: ClientOptions
  readonly observer: (event: ServiceEvent) => void
}

const markedBy = 'BATON_SERVICE_RUN'
/**
 * If the program has run for this time in milliseconds, the delay before its restart is as short as before the first
 * restart.
 */
const steadyMs = 60_000

/**
 * Runs a program as a service with a check that follows its health. When it is stopped, removes the service before it
 * signals the program. Resolves to the program's exit when all of the program's processes are gone. Rejects if the
 * agent refuses the registration or if the program cannot be started; in both cases nothing stays registered.
 */
export async function runService(client: ConsulClient, options: RunServiceOptions): Promise<ChildExit> {
  const registration = new PatientRegistration(client, options.service, options.observer)
  await registration.begin(options.stops.signal)
  const run = new ServiceRun(client, registration, options)
  try {
    return await run.finish()
  } finally {
    await registration.end()
    run.release()
  }
}

class ServiceRun {
  readonly #client: ConsulClient
  readonly #registration: PatientRegistration
  readonly #options: RunServiceOptions
  readonly #hurry = new AbortController()
  readonly #mark = randomUUID()
  readonly #guardian: Guardian
  #child: Child | undefined
  #stopping: Promise<void> | undefined

  constructor(client: ConsulClient, registration: PatientRegistration, options: RunServiceOptions) {
    this.#client = client
    this.#registration = registration
    this.#options = options
    const {service, connection, stops, graceMs, child, observer} = options
    const agent = agentRequests(connection, client.scope)
    const removal = agent.put(`/v1/agent/service/deregister/${encodeURIComponent(service.id)}`)
    this.#guardian = new Guardian({
      graceMs,
      marker: `${markedBy}=${this.#mark}`,
      searchPath: child.env['PATH'],
      release: {target: agent.target, requests: [removal]},
      onFailure: why => observer({type: 'guardian.failed', why}),
    })
    stops.onEach(name => this.#handleStop(name))
  }

  /**
   * Ends the guardian process. Called after the service was removed, because the guardian process has nothing left to
   * do then.
   */
  release(): void {
    this.#guardian.released()
  }

  async finish(): Promise<ChildExit> {
    const {stops, restart, observer} = this.#options
    const {clock, random} = this.#client
    const backoff = new Backoff({minMs: 1000, random})
    for (;;) {
      stops.signal.throwIfAborted()
      const startedAt = clock.monotonicMs()
      const exit = await this.#runOnce()
      const isOver = stops.signal.aborted || restart === 'never' || (restart === 'on-failure' && exit.code === 0)
      if (clock.monotonicMs() - startedAt >= steadyMs) backoff.reset()
      const restartMs = isOver ? undefined : backoff.next()
      observer({type: 'child.exited', exit, restartMs})
      if (restartMs === undefined) return exit
      await clock.sleep(restartMs, stops.signal).catch(() => {})
      if (stops.signal.aborted) return exit
    }
  }

  async #runOnce(): Promise<ChildExit> {
    const {child: spec, service, graceMs, observer} = this.#options
    const {clock} = this.#client
    const names = {BATON_SERVICE_ID: service.id, BATON_SERVICE_NAME: service.name, [markedBy]: this.#mark}
    const child = await startChild(
      {...spec, env: {...spec.env, ...names}, clock, markedBy, shape: 'group'},
      launchPlainly,
    )
    this.#guardian.watch(child.family)
    this.#child = child
    observer({type: 'child.started', pid: child.pid})
    // A stop signal that has arrived while the program was being started did not reach the program.
    const {signal} = this.#options.stops
    if (signal.aborted) this.#handleStop(nameOf(signal.reason))
    using alive = linkSignal(undefined)
    const following = this.#follow(alive.signal)
    const exit = await child.exited
    alive.abort(new Error('the program has ended'))
    if (!this.#stopping) this.#registration.setState('critical', `the program ended: ${exitText(exit)}`)
    // Descendants of the program must not keep running after the service was removed.
    if (!this.#stopping && !child.isGone()) await child.stop({graceMs, hurry: this.#hurry.signal})
    await this.#stopping
    await following
    this.#child = undefined
    this.#guardian.familyIsGone()
    return exit
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const {probes, intervalMs, probeTimeoutMs, child} = this.#options
    if (probes.length === 0) {
      this.#registration.setState('passing', 'the program runs')
      return
    }
    await followHealth(
      {
        probes,
        intervalMs,
        timeoutMs: probeTimeoutMs,
        env: child.env,
        clock: this.#client.clock,
        onResult: ({state, note}) => this.#registration.setState(state, note),
      },
      signal,
    )
  }

  #handleStop(name: NodeJS.Signals): void {
    const child = this.#child
    if (!child) return
    if (this.#stopping) this.#hurry.abort()
    else this.#stopping = this.#stop(child, name)
  }

  async #stop(child: Child, signal: NodeJS.Signals): Promise<void> {
    const {drainMs, graceMs} = this.#options
    const {signal: hurry} = this.#hurry
    await this.#registration.end()
    if (drainMs > 0 && !child.isGone()) await this.#client.clock.sleep(drainMs, hurry).catch(() => {})
    await child.stop({signal, graceMs, hurry})
  }
}

const nameOf = (reason: unknown): NodeJS.Signals => (reason instanceof CancelledError && reason.signalName) || 'SIGTERM'

/** Describes how a program exited. */
export const exitText = ({code, signal}: ChildExit): string =>
  signal === undefined ? `exit code ${code}` : `killed by ${signal}`
