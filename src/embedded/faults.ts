import type {Clock} from '../core/types.js'

/**
 * A fault for matching requests: a delay, one of `drop`, `dropAnswer` and `status`, or a delay followed by one of
 * these.
 */
export interface FaultRule {
  /** Beginning of the decoded paths to match. Default: all paths. */
  readonly path?: string
  /** HTTP method to match, in capitals. Default: all methods. */
  readonly method?: string
  /** Number of requests to affect, at least 1. Default: all, until the rule is disposed. */
  readonly times?: number
  /** Delay on the agent's clock, in milliseconds. Default: none. */
  readonly delayMs?: number
  /** True to cut the connection before the request is handled. Default: false. */
  readonly drop?: boolean
  /** True to handle the request but cut the connection instead of answering. Default: false. */
  readonly dropAnswer?: boolean
  /**
   * Status code of an answer that replaces the handler's, 200 to 599. Default: the handler answers.
   */
  readonly status?: number
  /** Body of the answer with `status`. Default: empty. */
  readonly body?: string
}

/** An answer that replaces the handler's. */
export interface ReplacedAnswer {
  readonly status: number
  readonly body: string
}

interface Armed {
  readonly rule: FaultRule
  left: number
}

/** The rules of {@link FaultPanel.inject}, applied once to each request. */
export class Faults {
  readonly #clock: Clock
  readonly #armed = new Set<Armed>()
  /** Number of requests that the rules have affected. */
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

  /**
   * Applies the first matching rule: waits for its delay, then resolves with its fault. Resolves with undefined if the
   * request must be handled as usual.
   */
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
