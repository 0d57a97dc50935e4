import {systemClock} from '../../core/time/clock.js'
import {formatDuration} from '../../core/time/duration.js'
import type {Clock} from '../../core/types.js'
import {foldNodes} from '../../exec/node-set.js'
import type {ExecEvent} from '../../exec/types.js'
import type {StatusLine, TerminalStream} from '../status-line.js'

const redrawMs = 1000
const lineEveryMs = 60_000
/** Maximum number of nodes whose names are kept. With more nodes, the line shows only numbers. */
const maxNamed = 1000

export interface LiveLineOptions {
  readonly stderr: TerminalStream
  readonly line: StatusLine
  /** Clock that times the redraws. @default the system's clock */
  readonly clock?: Clock
}

/**
 * Shows how many nodes have ended, and which ones the run still waits for. On a terminal, this is one line that is
 * redrawn each second; elsewhere, it is a new line each minute.
 */
export class LiveLine implements Disposable {
  readonly #options: LiveLineOptions
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #open = new Set<string>()
  readonly #silent = new Set<string>()
  #count = 0
  #failedCount = 0
  readonly #stop = new AbortController()

  constructor(options: LiveLineOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#startedMs = this.#clock.monotonicMs()
    void this.#repeat()
  }

  take(event: ExecEvent): void {
    if (event.type === 'targets') {
      for (const {node} of event.nodes) {
        this.#open.add(node)
        this.#silent.add(node)
      }
      this.#count = event.nodes.length
    }
    if (event.type === 'ack') this.#silent.delete(event.node)
    if (event.type !== 'outcome') return
    this.#open.delete(event.node)
    this.#silent.delete(event.node)
    if (event.outcome.type !== 'ok') this.#failedCount += 1
  }

  /** Erases the line. */
  [Symbol.dispose](): void {
    this.#stop.abort()
    this.#options.line.clear()
  }

  async #repeat(): Promise<void> {
    const ms = this.#options.stderr.isTTY === true ? redrawMs : lineEveryMs
    try {
      for (;;) {
        await this.#clock.sleep(ms, this.#stop.signal)
        this.#write()
      }
    } catch {
      // Disposing the line ends the loop.
    }
  }

  #write(): void {
    const {stderr, line} = this.#options
    if (this.#open.size === 0) return
    const seconds = Math.floor((this.#clock.monotonicMs() - this.#startedMs) / 1000) * 1000
    const failed = this.#failedCount > 0 ? `, ${this.#failedCount} failed` : ''
    const end = `; ${this.#count - this.#open.size} of ${this.#count} ended${failed}, ${formatDuration(seconds)}`
    const running = [...this.#open].filter(node => !this.#silent.has(node))
    const awaited = [...named('silent', this.#silent), ...named('running', running)].join('; ')
    if (stderr.isTTY === true) line.draw(`baton: ${awaited}`, end)
    else stderr.write(`baton: exec: ${awaited}${end}\n`)
  }
}

function named(what: string, nodes: Iterable<string>): readonly string[] {
  const all = [...nodes]
  if (all.length === 0) return []
  return [all.length > maxNamed ? `${all.length} ${what}` : `${what}: ${foldNodes(all)}`]
}
