import {failureKind} from '../core/failure-kind.js'
import type {EventNotice} from './notices.js'

/** Reports each kind of failure once per outage, and reports the end of the outage. */
export class OutageReport {
  readonly #observer: (notice: EventNotice) => void
  readonly #kinds = new Set<string>()

  constructor(observer: (notice: EventNotice) => void) {
    this.#observer = observer
  }

  failed(error: unknown): void {
    const kind = failureKind(error)
    if (this.#kinds.has(kind)) return
    this.#kinds.add(kind)
    this.#observer({type: 'outage.began', error})
  }

  answered(): void {
    if (this.#kinds.size === 0) return
    this.#kinds.clear()
    this.#observer({type: 'outage.ended'})
  }
}
