import {linkSignal, whenAborted} from '../../core/cancel/link-signal.js'
import {messageOf} from '../../core/errors.js'
import {systemClock} from '../../core/time/clock.js'
import type {Hold} from '../../lock/types.js'
import {captureOutput} from '../../process/capture.js'
import {shellWords} from '../../process/handler.js'
import type {AnyLockEvent} from './event-lines.js'

const longestMs = 10_000
const mostBytes = 65_536

type HookName = 'acquired' | 'lost' | 'released'

interface HooksOptions {
  readonly prefix: string
  readonly commands: Readonly<Record<HookName, string | undefined>>
  readonly env: Readonly<Record<string, string>>
  /** Receives the output of a hook, which must not go to stdout because stdout belongs to the command. */
  readonly print: (output: string) => void
  readonly warn: (text: string) => void
  /** Aborts when the command should end. */
  readonly stop: AbortSignal
}

/**
 * Runs a shell command, the hook, when the lock is acquired, lost or released. A hook has no effect on the lock, and is
 * killed after 10 s.
 */
export class Hooks implements AsyncDisposable {
  readonly #options: HooksOptions
  readonly #never = new AbortController()
  readonly #running: Promise<void>[] = []
  #variables: Readonly<Record<string, string>> = {}

  constructor(options: HooksOptions) {
    this.#options = options
  }

  /**
   * Runs the hook for an acquired lock while the lock is held. Kills the hook if the lock is lost or baton is stopped.
   */
  async acquired(hold: Hold, variables: Readonly<Record<string, string>>): Promise<void> {
    this.#variables = variables
    const {stop} = this.#options
    using either = linkSignal(hold.signal)
    using stopped = whenAborted(stop)
    void stopped.promise.then(() => either.abort(stop.reason))
    await this.#run('acquired', either.signal)
  }

  /** Starts the hooks for a lost or released lock, without waiting for them. */
  handle(event: AnyLockEvent): void {
    const isReleased = event.type === 'lock.released' && event.report.lock === 'released'
    if (event.type === 'lock.lost') this.#running.push(this.#run('lost', this.#never.signal))
    if (isReleased) this.#running.push(this.#run('released', this.#never.signal))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running)
  }

  async #run(name: HookName, signal: AbortSignal): Promise<void> {
    const {commands, env, print, warn, prefix} = this.#options
    const command = commands[name]
    if (command === undefined) return
    try {
      const {exitCode, output, isTimedOut} = await captureOutput({
        argv: shellWords(command, env['SHELL']),
        env: {...env, ...this.#variables, BATON_LOCK_EVENT: name},
        clock: systemClock,
        timeoutMs: longestMs,
        signal,
        mostBytes,
      })
      print(output)
      const why = isTimedOut ? 'killed after 10s' : `exit code ${exitCode}`
      if (exitCode !== 0) warn(`lock ${prefix}: the hook of ${name} failed: ${why}`)
    } catch (error) {
      warn(`lock ${prefix}: the hook of ${name} did not start: ${messageOf(error)}`)
    }
  }
}
