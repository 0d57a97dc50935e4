import {type ConsulClient, createClient} from '../../../src/core/client.js'

/** A fleet at rest. */
export interface Fleet {
  /** Does one unit of work. */
  readonly work: () => Promise<void>
}

/** Where a fleet runs. Each of its clients stands for a node, and has connections of its own. */
export interface Place {
  readonly count: number
  /** Makes a client of one of the agents, of each in turn. Its traffic is counted. */
  readonly node: () => ConsulClient
  /** The agent itself: what this client does is not counted as traffic. */
  readonly outside: ConsulClient
  readonly signal: AbortSignal
}

/** A capability of baton whose cost is measured. */
export interface Capability {
  readonly name: string
  /** What `work` does. */
  readonly unit: string
  /** True if the cost of the work is not divided by the number of nodes. */
  readonly isWhole?: boolean
  readonly start: (place: Place) => Promise<Fleet>
}

/** Acts for each node, for 50 of them at a time: together, 1,000 would measure how busy this machine is. */
export async function each(count: number, act: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const some = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await act(at)
  }
  await Promise.all(Array.from({length: 50}, some))
}

/** Runs until the signal aborts. The failure that the abort causes is expected. */
export function keep(signal: AbortSignal, running: Promise<unknown>): void {
  running.catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/** Makes clients of several addresses, of each in turn, and disposes them together. */
export class Clients implements AsyncDisposable {
  readonly #all: ConsulClient[] = []
  readonly #addresses: readonly string[]
  constructor(addresses: readonly string[]) {
    this.#addresses = addresses
  }
  readonly make = (): ConsulClient => {
    const client = createClient({address: this.#addresses[this.#all.length % this.#addresses.length]!})
    this.#all.push(client)
    return client
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map(client => client[Symbol.asyncDispose]()))
  }
}
