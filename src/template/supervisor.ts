import type {Clock} from '../core/types.js'
import {type Child, startChild} from '../process/child.js'
import type {ChildExit} from '../process/exit-code.js'
import {launchPlainly} from '../process/launch.js'

/** A child that uses the files of templates. */
export interface SupervisedChild {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  /** Sent to the child after files have changed. Without it the child is stopped and started again. */
  readonly reloadSignal?: NodeJS.Signals
  /** Time in milliseconds between TERM and KILL. */
  readonly graceMs: number
  readonly clock: Clock
}

/** Keeps one child running while files change. When the child ends by itself, that is its result. */
export class Supervisor implements AsyncDisposable {
  /** Resolves when the child has ended without being stopped from here. */
  readonly ended: Promise<ChildExit>
  readonly #spec: SupervisedChild
  #child: Child | undefined
  #end: (exit: ChildExit) => void = () => {}

  constructor(spec: SupervisedChild) {
    this.#spec = spec
    this.ended = new Promise(resolve => {
      this.#end = resolve
    })
  }

  /** Starts the child. Rejects with a ChildError if it cannot be run. */
  async start(): Promise<void> {
    const {argv, env, clock} = this.#spec
    const child = await startChild({argv, env, shape: 'group', clock}, launchPlainly)
    this.#child = child
    void child.exited.then(exit => {
      if (this.#child === child) this.#end(exit)
    })
  }

  /** Tells the child that files have changed: by the signal, or by a new start. */
  async change(): Promise<void> {
    const {reloadSignal} = this.#spec
    if (reloadSignal !== undefined) this.#child?.signal(reloadSignal)
    else {
      await this.#stop()
      await this.start()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
  }

  async #stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    await child?.stop({graceMs: this.#spec.graceMs})
  }
}
