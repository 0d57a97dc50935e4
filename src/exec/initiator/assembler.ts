import type {ExitReport, Report} from '../reports.js'
import type {ExecEvent} from '../types.js'

/** Time to wait for a missing frame (numbered piece) of output after a later frame has arrived. */
export const gapPatienceMs = 2000

type Numbered = Extract<Report, {type: 'output' | 'heartbeat'}>

/**
 * The output of one node in order, the exit of its command (set only after all output was passed on), and the number of
 * frames (numbered pieces) of output that never arrived.
 */
export interface Assembled {
  readonly events: readonly ExecEvent[]
  readonly exit?: ExitReport
  readonly missingCount: number
}

/**
 * Sorts the frames of one node's output by their numbers, and waits up to {@link gapPatienceMs} for missing frames.
 * Passes the exit on only after all output.
 */
export class Assembler {
  readonly #node: string
  readonly #held = new Map<number, Numbered>()
  #next = 0
  #exit: ExitReport | undefined
  #stuckSinceMs: number | undefined
  #missingCount = 0

  constructor(node: string) {
    this.#node = node
  }

  /** Monotonic time at which {@link advance} must be called even if no report has arrived. */
  get deadlineMs(): number {
    return this.#stuckSinceMs === undefined ? Number.POSITIVE_INFINITY : this.#stuckSinceMs + gapPatienceMs
  }

  add(report: Numbered): void {
    if (report.seq >= this.#next) this.#held.set(report.seq, report)
  }

  end(exit: ExitReport): void {
    this.#exit = exit
  }

  advance(nowMs: number): Assembled {
    const events = this.#takeReady()
    while (this.#hasGap()) {
      if (this.#stuckSinceMs === undefined) this.#stuckSinceMs = nowMs
      if (nowMs < this.deadlineMs) return {events, missingCount: this.#missingCount}
      events.push(this.#skipGap(), ...this.#takeReady())
    }
    this.#stuckSinceMs = undefined
    const exit = this.#exit
    this.#exit = undefined
    return {events, missingCount: this.#missingCount, ...(exit && {exit})}
  }

  #hasGap(): boolean {
    return this.#held.size > 0 || (this.#exit?.frameCount ?? 0) > this.#next
  }

  #takeReady(): ExecEvent[] {
    const events: ExecEvent[] = []
    for (let report = this.#held.get(this.#next); report; report = this.#held.get(this.#next)) {
      this.#held.delete(this.#next)
      this.#next += 1
      events.push(...this.#toEvents(report))
      this.#stuckSinceMs = undefined
    }
    return events
  }

  #toEvents(report: Numbered): ExecEvent[] {
    const {node, seq} = report
    if (report.type === 'heartbeat') return [{type: 'heartbeat', node}]
    return report.parts.map(part => ({type: 'output', node, seq, ...part}))
  }

  #skipGap(): ExecEvent {
    const seq = this.#next
    const upTo = this.#held.size > 0 ? Math.min(...this.#held.keys()) : (this.#exit?.frameCount ?? seq)
    this.#next = upTo
    this.#missingCount += upTo - seq
    return {type: 'missing', node: this.#node, seq, count: upTo - seq}
  }
}
