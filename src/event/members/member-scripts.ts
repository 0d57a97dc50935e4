import type {ConsulClient} from '../../core/client.js'
import type {SelfFacts} from '../handler/handler-io.js'
import type {EventHandling} from '../handler/handling.js'
import {watchMembers} from './member-watch.js'
import {type MemberChange, memberLine} from './members.js'

/**
 * - `watch.started`: the initial members are known, and scripts run for every later change.
 * - `script.failed`: a script for a change failed; the other scripts and later changes still run.
 */
export type MemberNotice =
  | {readonly type: 'watch.started'; readonly memberCount: number}
  | {readonly type: 'script.failed'; readonly change: MemberChange; readonly error: unknown}

export interface MemberScriptOptions {
  readonly handling: EventHandling
  readonly self: SelfFacts
  readonly signal: AbortSignal
  readonly observer: (notice: MemberNotice) => void
}

/** Runs Serf's scripts for each change of membership. Resolves when the signal aborts. */
export async function runMemberScripts(client: ConsulClient, options: MemberScriptOptions): Promise<void> {
  const {handling, self, signal, observer} = options
  const handle = async ({type, member}: MemberChange): Promise<void> => {
    const known = (await client.agent.members({signal}).catch(() => [])).find(({name}) => name === member.name)
    // Neither a node that was reaped nor a node that was forced to leave is in the catalog. Only gossip shows which of
    // the two happened.
    const change = {type: type === 'member-reap' && known?.status === 'left' ? 'member-leave' : type, member} as const
    await handling.members(change.type, memberLine(member, known?.tags), self, signal).catch((error: unknown) => {
      if (!signal.aborted) observer({type: 'script.failed', change, error})
    })
  }
  const onReady = (memberCount: number): void => observer({type: 'watch.started', memberCount})
  await watchMembers(client, {signal, handle, onReady})
}
