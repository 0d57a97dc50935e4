import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {follow} from '../../core/query/follow.js'
import {checks as checksTopic, nodes as nodesTopic} from '../../core/query/topics.js'
import type {CheckInfo, NodeInfo} from '../../core/types.js'
import {type MemberChange, type MemberFacts, memberChanges, toMembers} from './members.js'

/**
 * Calls back with changes of membership, one call at a time, oldest first. The members that are there at the start are
 * no changes. Resolves when the signal aborts; rejects when `onChange` does.
 */
export async function watchMembers(
  client: ConsulClient,
  options: {
    readonly signal: AbortSignal
    readonly onChange: (change: MemberChange) => Promise<void>
    /** Called when the members at the start are known: from now on every change counts. */
    readonly onReady?: (count: number) => void
  },
): Promise<void> {
  using stop = linkSignal(options.signal)
  let nodes: readonly NodeInfo[] | undefined
  let checks: readonly CheckInfo[] | undefined
  let members: ReadonlyMap<string, MemberFacts> | undefined
  let working = Promise.resolve()
  const look = async (): Promise<void> => {
    if (!nodes || !checks) return
    const next = toMembers(nodes, checks)
    // Our own agent is always a member: an empty answer tells of missing rights, not of an empty cluster.
    if (next.size === 0) return
    if (!members) options.onReady?.(next.size)
    const changes = members ? memberChanges(members, next) : []
    members = next
    for (const change of changes) await options.onChange(change)
  }
  const step = (): Promise<void> => {
    working = working.then(look)
    return working
  }
  // A leader that has not applied its log yet would begin with members of the past.
  const how = {signal: stop.signal, freshConsistency: 'consistent'} as const
  const followNodes = async (): Promise<void> => {
    for await (const {snapshot} of follow(nodesTopic(client), client, how)) {
      nodes = snapshot.value
      await step()
    }
  }
  const followChecks = async (): Promise<void> => {
    for await (const {snapshot} of follow(checksTopic(client), client, how)) {
      checks = snapshot.value
      await step()
    }
  }
  const both = [followNodes(), followChecks()]
  try {
    await Promise.all(both)
  } catch (error) {
    stop.abort(error)
    await Promise.allSettled(both)
    if (!options.signal.aborted) throw error
  }
}
