import {serfHealth} from '../../core/consul-constants.js'
import type {CheckInfo, NodeInfo} from '../../core/types.js'
import type {MemberEventType} from '../selector.js'

export interface MemberFacts {
  readonly name: string
  readonly address: string
  readonly failed: boolean
}

export interface MemberChange {
  readonly type: MemberEventType
  readonly member: MemberFacts
}

/**
 * Returns the members according to a catalog and its checks. A node without Serf's check, such as an external node, is
 * not a member.
 */
export function toMembers(nodes: readonly NodeInfo[], checks: readonly CheckInfo[]): ReadonlyMap<string, MemberFacts> {
  const serf = new Map(checks.filter(check => check.checkId === serfHealth).map(check => [check.node, check.status]))
  return new Map(
    nodes.flatMap(({node, address}) => {
      const status = serf.get(node)
      return status === undefined ? [] : [[node, {name: node, address, failed: status === 'critical'}] as const]
    }),
  )
}

/**
 * Returns the changes between two reads, under Serf's names. Consul removes a node at once if it left gracefully, and
 * later if it failed; the later removal is a `member-reap`.
 */
export function memberChanges(
  before: ReadonlyMap<string, MemberFacts>,
  after: ReadonlyMap<string, MemberFacts>,
): readonly MemberChange[] {
  const changes: MemberChange[] = []
  for (const [name, member] of after) {
    const old = before.get(name)
    if (!old) changes.push({type: member.failed ? 'member-failed' : 'member-join', member})
    else if (old.failed !== member.failed) changes.push({type: member.failed ? 'member-failed' : 'member-join', member})
    else if (old.address !== member.address) changes.push({type: 'member-update', member})
  }
  for (const [name, member] of before) {
    if (!after.has(name)) changes.push({type: member.failed ? 'member-reap' : 'member-leave', member})
  }
  return changes
}

/** Returns a line for a Serf handler's stdin: name, address, role and tags, separated by tabs. */
export const memberLine = (member: MemberFacts, tags: Readonly<Record<string, string>> = {}): string => {
  const list = Object.entries(tags).map(([name, value]) => `${name}=${value}`)
  return `${[clean(member.name), member.address, clean(tags['role'] ?? ''), clean(list.join(','))].join('\t')}\n`
}

const clean = (text: string): string => text.replaceAll('\t', '\\t').replaceAll('\n', '\\n')
