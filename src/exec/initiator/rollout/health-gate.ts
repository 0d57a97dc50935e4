import type {ConsulClient} from '../../../core/client.js'
import {isTransient, UsageError} from '../../../core/errors.js'
import {Backoff} from '../../../core/time/backoff.js'

const readEveryMs = 1000
/**
 * Number of consecutive reads in which the service must pass, because a single read may still show the state before the
 * job.
 */
const readsInARow = 2

/**
 * Waits until a service is healthy on the given nodes. Every instance that existed at the start of the run must pass.
 */
export class HealthGate {
  readonly #client: ConsulClient
  readonly #service: string
  readonly #atStart: ReadonlyMap<string, number>

  private constructor(client: ConsulClient, service: string, atStart: ReadonlyMap<string, number>) {
    this.#client = client
    this.#service = service
    this.#atStart = atStart
  }

  /** Rejects with a UsageError if no node has an instance of the service. */
  static async open(
    client: ConsulClient,
    service: string,
    {nodes, signal}: {readonly nodes: ReadonlySet<string>; readonly signal: AbortSignal},
  ): Promise<HealthGate> {
    const {value} = await client.catalog.service(service, {consistency: 'consistent', signal})
    const atStart = countByNode(value.filter(({node}) => nodes.has(node.node)))
    if (atStart.size === 0) {
      throw new UsageError(`exec: no matching node has an instance of the service '${service}'`, {
        hint: 'name a service that runs on these nodes',
      })
    }
    return new HealthGate(client, service, atStart)
  }

  /** Resolves with true when all instances on these nodes pass, and with false after `timeoutMs`. */
  async pass(
    nodes: readonly string[],
    {timeoutMs, signal}: {readonly timeoutMs: number; readonly signal: AbortSignal},
  ): Promise<boolean> {
    const {clock, random} = this.#client
    const watched = nodes.filter(node => this.#atStart.has(node))
    if (watched.length === 0) return true
    const deadlineMs = clock.monotonicMs() + timeoutMs
    const backoff = new Backoff({minMs: 100, maxMs: 2000, random})
    let passed = 0
    for (;;) {
      let delayMs = readEveryMs
      try {
        passed = (await this.#passes(watched, signal)) ? passed + 1 : 0
        backoff.reset()
      } catch (error) {
        signal.throwIfAborted()
        if (!isTransient(error)) throw error
        passed = 0
        delayMs = backoff.next()
      }
      if (passed >= readsInARow) return true
      if (clock.monotonicMs() >= deadlineMs) return false
      await clock.sleep(delayMs, signal)
    }
  }

  async #passes(nodes: readonly string[], signal: AbortSignal): Promise<boolean> {
    const how = {consistency: 'consistent', passing: true, signal} as const
    const {value} = await this.#client.catalog.service(this.#service, how)
    const passing = countByNode(value)
    return nodes.every(node => (passing.get(node) ?? 0) >= (this.#atStart.get(node) ?? 0))
  }
}

function countByNode(instances: readonly {readonly node: {readonly node: string}}[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const {node} of instances) counts.set(node.node, (counts.get(node.node) ?? 0) + 1)
  return counts
}
