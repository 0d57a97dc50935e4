import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'

const memberEvents = ['member-join', 'member-leave', 'member-failed', 'member-update', 'member-reap'] as const
export type MemberEventType = (typeof memberEvents)[number]

/** An occurrence: a user event, or a change of membership. */
export type Occurrence =
  | {readonly type: 'user'; readonly name: string}
  | {readonly type: MemberEventType; readonly name?: undefined}

interface Selector {
  readonly type: 'user' | '*' | MemberEventType
  /** Name of the user events to select; undefined for all names. Used only for the type `user`. */
  readonly name: string | undefined
}

/** A script and the occurrences that it handles, as given to Serf's `-event-handler`. */
export interface SelectedScript {
  readonly script: string
  readonly selectors: readonly Selector[]
}

/**
 * Parses `user:deploy=script`, `member-join,member-leave=script`, `*=script`, or just `script`, which handles every
 * event. The text before the first `=` selects the events; the rest is the script.
 */
export function parseHandler(text: string): SelectedScript {
  const at = text.indexOf('=')
  const script = at < 0 ? text : text.slice(at + 1)
  if (script.trim() === '')
    throw new UsageError(`handler '${brief(text)}': has no script`, {hint: "write 'user:deploy=script'"})
  if (at < 0) return {script, selectors: [{type: '*', name: undefined}]}
  return {
    script,
    selectors: text
      .slice(0, at)
      .split(',')
      .map(word => parseSelector(word.trim(), text)),
  }
}

function parseSelector(word: string, whole: string): Selector {
  if (word === '*' || word === '') return {type: '*', name: undefined}
  const [type = '', ...rest] = word.split(':')
  const name = rest.length === 0 ? undefined : rest.join(':')
  if (type === 'user') return {type, name: name === '' ? undefined : name}
  const member = memberEvents.find(known => known === type)
  if (member && name === undefined) return {type: member, name: undefined}
  throw new UsageError(`handler '${brief(whole)}': unknown event type '${brief(word)}'`, {
    hint: `known: user, user:NAME, ${memberEvents.join(', ')}, *`,
  })
}

export const selects = (handler: SelectedScript, occurrence: Occurrence): boolean =>
  handler.selectors.some(
    ({type, name}) => type === '*' || (type === occurrence.type && (name === undefined || name === occurrence.name)),
  )

/** True if a handler selects changes of membership. The catalog is watched only in that case. */
export const wantsMembers = (handlers: readonly SelectedScript[]): boolean =>
  handlers.some(handler => memberEvents.some(type => selects(handler, {type})))
