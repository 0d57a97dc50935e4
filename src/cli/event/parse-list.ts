import {UsageError} from '../../core/errors.js'
import {parseConsulJson} from '../../core/http/json-bigint.js'
import type {UserEvent} from '../../core/types.js'

/** Parses the list that `consul watch -type=event` passes to its handler. */
export function parseEventList(text: string): readonly UserEvent[] {
  let raw: unknown
  try {
    raw = parseConsulJson(text)
  } catch (error) {
    throw new UsageError('stdin: is not the JSON of an event list', {
      cause: error,
      hint: 'meant for consul watch -type=event baton event watch --from-stdin ...',
    })
  }
  if (!Array.isArray(raw)) throw new UsageError('stdin: is not a list of events')
  return raw.map((item: Partial<Record<string, unknown>>, at) => {
    const text = (name: string): string => (typeof item[name] === 'string' ? item[name] : '')
    if (text('ID') === '') throw new UsageError(`stdin: event ${at} has no ID`)
    return {
      id: text('ID'),
      name: text('Name'),
      payload: typeof item['Payload'] === 'string' ? Buffer.from(item['Payload'], 'base64') : undefined,
      nodeFilter: text('NodeFilter'),
      serviceFilter: text('ServiceFilter'),
      tagFilter: text('TagFilter'),
      version: typeof item['Version'] === 'number' ? item['Version'] : 1,
      lTime: typeof item['LTime'] === 'bigint' ? item['LTime'] : 0n,
    }
  })
}
