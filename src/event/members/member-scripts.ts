import type {ConsulClient} from '../../core/client.js'
import type {SelfFacts} from '../handler/handler-io.js'
import type {EventHandling} from '../handler/handling.js'
import {watchMembers} from './member-watch.js'
import {type MemberChange, memberLine} from './members.js'

export interface MemberScriptOptions {
  readonly handling: EventHandling
  readonly self: SelfFacts
  readonly signal: AbortSignal
  readonly onReady: (count: number) => void
  /** A script failed; the others and later changes are not touched by it. */
  readonly onFailed: (change: MemberChange, error: unknown) => void
}

/** Runs Serf's scripts for each change of membership. Resolves when the signal aborts. */
export async function runMemberScripts(client: ConsulClient, options: MemberScriptOptions): Promise<void> {
  const {handling, self, signal, onReady} = options
  const onChange = async ({type, member}: MemberChange): Promise<void> => {
    const known = (await client.agent.members({signal}).catch(() => [])).find(({name}) => name === member.name)
    // The catalog forgets a node that was reaped and one that was made to leave alike; gossip still tells them apart.
    const change = {type: type === 'member-reap' && known?.status === 'left' ? 'member-leave' : type, member} as const
    await handling.members(change.type, memberLine(member, known?.tags), self, signal).catch((error: unknown) => {
      if (!signal.aborted) options.onFailed(change, error)
    })
  }
  await watchMembers(client, {signal, onChange, onReady})
}
