import {readdirSync, readFileSync} from 'node:fs'
import {type CommandHandle, startCli} from '../kit/run-cli.js'

const sampleMs = 10_000
/** The growth of memory that is allowed, because a heap can grow this much without a leak. */
const mostGrowthMb = 60
const mostMoreHandles = 20

/** One of baton's daemons. It is started once: a daemon that ends during the run has failed. */
export class Daemon implements AsyncDisposable {
  readonly name: string
  readonly #command: CommandHandle
  readonly #memoryMb: number[] = []
  readonly #handles: number[] = []
  readonly #timer: NodeJS.Timeout
  #end: string | undefined

  constructor(name: string, words: readonly string[], env: Readonly<Record<string, string>>) {
    this.name = name
    this.#command = startCli(words, {env})
    void this.#command.exited.then(({exitCode, signalName}) => {
      this.#end = `${name} ended with ${exitCode ?? signalName}: ${this.#command.stderr.slice(-2000)}`
    })
    this.#timer = setInterval(() => this.#sample(), sampleMs)
  }

  /** Returns the last part of the daemon's stderr. */
  said(): string {
    return `${this.name}: ${this.#command.stderr.slice(-800)}`
  }

  /** Throws if the daemon has ended. */
  check(): void {
    if (this.#end !== undefined) throw new Error(this.#end)
  }

  /**
   * Returns a line with memory and handles near the start and at the end of the run. These are the medians of the
   * second and of the last sixth of the measurements; in the first sixth, code is compiled and caches fill. Throws if
   * memory or handles grew beyond the limits.
   */
  report(): string {
    this.#sample()
    const [memory, handles] = [this.#memoryMb, this.#handles].map(ends)
    const line = `${this.name}: memory ${memory?.join(' to ')} MB, handles ${handles?.join(' to ')}`
    const grown = (figures: readonly number[] | undefined): number => (figures?.[1] ?? 0) - (figures?.[0] ?? 0)
    if (grown(memory) > mostGrowthMb || grown(handles) > mostMoreHandles) throw new Error(`${line}: not flat`)
    return line
  }

  #sample(): void {
    const {pid} = this.#command
    try {
      const [, kb = '0'] = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
      this.#memoryMb.push(Math.round(Number(kb) / 1024))
      this.#handles.push(readdirSync(`/proc/${pid}/fd`).length)
    } catch {
      // The process has ended, which `check` reports.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#command[Symbol.asyncDispose]()
  }
}

function ends(samples: readonly number[]): readonly [number, number] {
  const part = Math.max(1, Math.floor(samples.length / 6))
  return [median(samples.slice(part, 2 * part)), median(samples.slice(-part))]
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}
