import type {Clock} from '../core/types.js'

/** What to do to matching requests. One of `drop`, `dropAnswer`, `status`; `delayMs` may stand alone or come first. */
export interface FaultRule {
  /** Matches paths that start with it, decoded. Default: all. */
  readonly path?: string
  readonly method?: string
  /** How many requests to hit. Default: all until the rule is lifted. */
  readonly times?: number
  readonly delayMs?: number
  /** Cuts the connection without an answer. */
  readonly drop?: boolean
  /** Does what was asked and cuts the connection instead of answering. */
  readonly dropAnswer?: boolean
  /** Answers instead of the handler. */
  readonly status?: number
  readonly body?: string
}

/** What is answered in place of the handler. */
export interface ReplacedAnswer {
  readonly status: number
  readonly body: string
}

interface Armed {
  readonly rule: FaultRule
  left: number
}

/** The rules of {@link FaultPanel.inject}, consulted once per request. */
export class Faults {
  readonly #clock: Clock
  readonly #armed = new Set<Armed>()
  /** Requests that a rule hit. */
  hits = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  inject(rule: FaultRule): Disposable {
    const armed = {rule, left: rule.times ?? Number.POSITIVE_INFINITY}
    this.#armed.add(armed)
    return {[Symbol.dispose]: () => void this.#armed.delete(armed)}
  }

  clear(): void {
    this.#armed.clear()
  }

  /** What to do with a request: `drop`, `drop answer`, an answer in place of the handler's, or nothing. */
  async intercept(method: string, path: string): Promise<ReplacedAnswer | 'drop' | 'drop answer' | undefined> {
    const armed = [...this.#armed].find(({rule}) => hits(rule, method, path))
    if (!armed) return undefined
    this.hits += 1
    armed.left -= 1
    if (armed.left <= 0) this.#armed.delete(armed)
    const {rule} = armed
    if (rule.delayMs !== undefined) await this.#clock.sleep(rule.delayMs)
    if (rule.drop) return 'drop'
    if (rule.dropAnswer) return 'drop answer'
    return rule.status === undefined ? undefined : {status: rule.status, body: rule.body ?? ''}
  }
}

const hits = (rule: FaultRule, method: string, path: string): boolean =>
  (rule.method === undefined || rule.method === method) && (rule.path === undefined || path.startsWith(rule.path))
