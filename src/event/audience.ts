import type {ConsulClient} from '../core/client.js'
import {messageOf} from '../core/errors.js'
import {loadRe2, type Re2Matcher} from '../core/re2.js'
import {retry} from '../core/retry.js'
import {Backoff} from '../core/time/backoff.js'
import type {UserEvent} from '../core/types.js'
import type {UnreadableEntry} from './notices.js'

export interface Judged {
  /** IDs of events whose filters do not match the agent. */
  readonly others: readonly string[]
  /** Events with a filter that is not a regular expression. */
  readonly unreadable: readonly UnreadableEntry[]
}

/**
 * Compares the filters of events with an agent, by the same rules as the agent itself: RE2, unanchored, the node by
 * name, a service of the agent by its ID, and a tag of the same service. Retries during outages.
 */
export async function judgeFilters(
  client: ConsulClient,
  events: readonly UserEvent[],
  signal: AbortSignal,
): Promise<Judged> {
  const filtered = events.filter(event => event.nodeFilter !== '' || event.serviceFilter !== '')
  if (filtered.length === 0) return {others: [], unreadable: []}
  const {clock, random} = client
  const [{node}, services] = await retry(
    () => Promise.all([client.agent.self({signal}), client.agent.services({signal})]),
    {clock, signal, backoff: new Backoff({random})},
  )
  const re2 = await loadRe2()
  const compile = (pattern: string): Re2Matcher => (pattern === '' ? () => true : re2.compile(pattern))
  const others: string[] = []
  const unreadable: UnreadableEntry[] = []
  for (const {id: eventId, nodeFilter, serviceFilter, tagFilter} of filtered) {
    let matches: Record<'node' | 'service' | 'tag', Re2Matcher>
    // All filters are compiled first, even if one of them does not match, so that every agent reports an invalid
    // expression.
    try {
      matches = {node: compile(nodeFilter), service: compile(serviceFilter), tag: compile(tagFilter)}
    } catch (error) {
      unreadable.push({id: eventId, reason: `has a filter that is not a regular expression: ${messageOf(error)}`})
      continue
    }
    const isOurs =
      matches.node(node) &&
      (serviceFilter === '' ||
        services.some(({id, tags}) => matches.service(id) && (tagFilter === '' || tags.some(matches.tag))))
    if (!isOurs) others.push(eventId)
  }
  return {others, unreadable}
}
