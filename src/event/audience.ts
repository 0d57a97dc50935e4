import type {ConsulClient} from '../core/client.js'
import {messageOf} from '../core/errors.js'
import type {UserEvent} from '../core/types.js'
import type {UnreadableEntry} from './notices.js'
import {outliveOutages} from './outage.js'

export interface Judged {
  /** IDs of events for other agents. */
  readonly others: readonly string[]
  /** Events whose filters are no regular expressions. */
  readonly unreadable: readonly UnreadableEntry[]
}

/**
 * Judges the filters of events as an agent judges those of its own: RE2, unanchored, the node by name, a service of the
 * agent by its ID, with a tag of the same service. Outages are outlived.
 */
export async function judgeFilters(
  client: ConsulClient,
  events: readonly UserEvent[],
  signal: AbortSignal,
): Promise<Judged> {
  const filtered = events.filter(event => event.nodeFilter !== '' || event.serviceFilter !== '')
  if (filtered.length === 0) return {others: [], unreadable: []}
  const {clock, random} = client
  const [{node}, services] = await outliveOutages(
    () => Promise.all([client.agent.self({signal}), client.agent.services({signal})]),
    {clock, random, signal},
  )
  const {RE2JS} = await import('re2js')
  const compile = (pattern: string): ((text: string) => boolean) => {
    if (pattern === '') return () => true
    const compiled = RE2JS.compile(pattern)
    return text => compiled.matcher(text).find()
  }
  const others: string[] = []
  const unreadable: UnreadableEntry[] = []
  for (const {id: eventId, nodeFilter, serviceFilter, tagFilter} of filtered) {
    let matches: Record<'node' | 'service' | 'tag', (text: string) => boolean>
    // All of them first, whatever matches: a faulty expression is told to everybody.
    try {
      matches = {node: compile(nodeFilter), service: compile(serviceFilter), tag: compile(tagFilter)}
    } catch (error) {
      unreadable.push({id: eventId, reason: `has a filter that is no regular expression: ${messageOf(error)}`})
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
