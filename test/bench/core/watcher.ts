import {type ChildProcess, spawn} from 'node:child_process'
import {readFileSync} from 'node:fs'

const msPerTick = 10

/**
 * A process that follows a list and writes `seen` for each state of the list. Also reads the kernel's figures for the
 * process.
 */
export class Watcher implements AsyncDisposable {
  /** Duration of each call of `ran` since the last `start`, in milliseconds. */
  readonly latencies: number[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  #runs = 0
  #onRun: () => void = () => {}
  #startMs = 0

  constructor(file: string, argv: readonly string[]) {
    this.#child = spawn(file, argv, {stdio: ['ignore', 'pipe', 'inherit']})
    this.#exited = new Promise(resolve => this.#child.on('exit', resolve))
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#runs += chunk.toString().split('seen').length - 1
      this.#onRun()
    })
    this.#child.on('exit', () => this.#onRun())
  }

  /** Resolves when the process has seen `count` states. Rejects if the process ends before that. */
  async ran(count: number): Promise<void> {
    const startMs = performance.now()
    while (this.#runs < count) {
      if (this.#child.exitCode !== null) throw new Error(`${this.#child.spawnargs.join(' ')}: it ended`)
      await new Promise<void>(resolve => {
        this.#onRun = resolve
      })
    }
    this.latencies.push(performance.now() - startMs)
  }

  /** Number of states seen. */
  get runs(): number {
    return this.#runs
  }

  /** Restarts the measurement of CPU time and latencies. */
  start(): void {
    this.#startMs = this.#cpuMs()
    this.latencies.length = 0
  }

  /** CPU time since `start` in milliseconds, without child processes. */
  get usedMs(): number {
    return this.#cpuMs() - this.#startMs
  }

  /** Maximum resident memory since the process was started. */
  get peakMB(): number {
    return Number(/VmHWM:\s+(\d+) kB/.exec(this.#proc('status'))?.[1]) / 1024
  }

  #cpuMs(): number {
    const fields = this.#proc('stat')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) * msPerTick
  }

  #proc(name: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${name}`, 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    await this.#exited
  }
}
