import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {follow} from '../../core/query/follow.js'
import {checks as checksTopic, nodes as nodesTopic} from '../../core/query/topics.js'
import type {BlockingQuery} from '../../core/query/types.js'
import type {CheckInfo, NodeInfo} from '../../core/types.js'
import {type MemberChange, type MemberFacts, memberChanges, toMembers} from './members.js'

export interface MemberWatchOptions {
  readonly signal: AbortSignal
  /** Called for one change at a time, oldest first. If it rejects, the watch ends. */
  readonly handle: (change: MemberChange) => Promise<void>
  /** Called with the number of initial members. Every change after this call is passed to `handle`. */
  readonly onReady: (memberCount: number) => void
}

/**
 * Follows changes of membership. The initial members do not count as changes. Resolves when the signal aborts; rejects
 * if `handle` rejects.
 */
export async function watchMembers(client: ConsulClient, options: MemberWatchOptions): Promise<void> {
  using stop = linkSignal(options.signal)
  const reader = new MemberReader(options)
  const read = async <T>(
    query: BlockingQuery<readonly T[], T>,
    receive: (value: readonly T[]) => Promise<void>,
  ): Promise<void> => {
    // Reads without an index use the `consistent` mode, because a restarted leader could otherwise return old members.
    const answers = follow(query, client, {signal: stop.signal, freshConsistency: 'consistent'})
    for await (const {snapshot} of answers) await receive(snapshot.value)
  }
  const both = [
    read(nodesTopic(client), nodes => reader.receive({nodes})),
    read(checksTopic(client), checks => reader.receive({checks})),
  ]
  try {
    await Promise.all(both)
  } catch (error) {
    stop.abort(error)
    await Promise.allSettled(both)
    if (!options.signal.aborted) throw error
  }
}

/** Derives the members from the newest nodes and checks, and compares them with the previous members. */
class MemberReader {
  readonly #options: MemberWatchOptions
  #nodes: readonly NodeInfo[] | undefined
  #checks: readonly CheckInfo[] | undefined
  #members: ReadonlyMap<string, MemberFacts> | undefined
  #work = Promise.resolve()

  constructor(options: MemberWatchOptions) {
    this.#options = options
  }

  /** Resolves when all changes that this answer shows are handled. */
  receive({
    nodes,
    checks,
  }: {
    readonly nodes?: readonly NodeInfo[]
    readonly checks?: readonly CheckInfo[]
  }): Promise<void> {
    this.#nodes = nodes ?? this.#nodes
    this.#checks = checks ?? this.#checks
    this.#work = this.#work.then(() => this.#compare())
    return this.#work
  }

  async #compare(): Promise<void> {
    if (!this.#nodes || !this.#checks) return
    const next = toMembers(this.#nodes, this.#checks)
    // The followed agent is always a member, so an empty answer means a missing permission, not an empty cluster.
    if (next.size === 0) return
    if (!this.#members) this.#options.onReady(next.size)
    const changes = this.#members ? memberChanges(this.#members, next) : []
    this.#members = next
    for (const change of changes) await this.#options.handle(change)
  }
}
