import type {ServerResponse} from 'node:http'
import {linkSignal} from '../../core/cancel/link-signal.js'
import {
  beginEvents,
  eventText,
  heartbeat,
  heartbeatMs,
  type StreamOptions,
  writeEvents,
} from '../../serve/event-stream.js'
import type {ServiceDirectory} from '../directory.js'
import type {DiscoveredService} from '../types.js'

export interface EventStreamOptions extends StreamOptions {
  readonly directory: ServiceDirectory
}

/**
 * Sends the list as a stream of events: first a snapshot, then the changes in each new list, by URI. A client that
 * reads slowly never gets a backlog: when it is ready for more, it gets the difference to the newest list. Resolves
 * when the stream has ended.
 */
export async function streamFrames(response: ServerResponse, options: EventStreamOptions): Promise<void> {
  const {directory, clock, signal} = options
  beginEvents(response)
  let sent: ReadonlyMap<string, string> | undefined
  let index = -1n
  let state = ''
  while (!signal.aborted) {
    const frames: string[] = []
    const {current: list, status} = directory
    if (status.state !== state) {
      state = status.state
      frames.push(frame('status', {state, problems: status.problems.map(({message}) => message)}))
    }
    if (list && list.index !== index) {
      index = list.index
      const next = byUri(list.services)
      frames.push(
        ...(sent ? changes(sent, next) : snapshot(next)),
        frame('end-of-snapshot', endOf(list), String(index)),
      )
      sent = next
    }
    if (!(await writeEvents(response, frames.length > 0 ? frames.join('') : heartbeat, options))) {
      response.destroy()
      return
    }
    using pause = linkSignal(signal, {clock, timeoutMs: heartbeatMs})
    await directory.until(() => isNews(directory, index, state), pause.signal)
  }
  response.end()
}

const isNews = (directory: ServiceDirectory, index: bigint, state: string): boolean =>
  (directory.current !== undefined && directory.current.index !== index) || directory.status.state !== state

const endOf = (list: {readonly index: bigint; readonly services: readonly unknown[]}): unknown => ({
  index: String(list.index),
  count: list.services.length,
})

/** Returns the services by URI. If several services have the same URI, they are numbered. */
function byUri(services: readonly DiscoveredService[]): ReadonlyMap<string, string> {
  const items = new Map<string, string>()
  for (const service of services) {
    let key = service.uri
    for (let nth = 2; items.has(key); nth += 1) key = `${service.uri}#${nth}`
    items.set(key, JSON.stringify(service))
  }
  return items
}

const snapshot = (items: ReadonlyMap<string, string>): string[] => [
  frame('new-snapshot-to-follow', {reason: 'initial'}),
  ...[...items].map(([key, item]) => upsert(key, item)),
]

function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const upserts = [...after].filter(([key, item]) => before.get(key) !== item).map(([key, item]) => upsert(key, item))
  const deletes = [...before.keys()].filter(key => !after.has(key)).map(key => frame('delete', {key}))
  return [...upserts, ...deletes]
}

const upsert = (key: string, item: string): string =>
  eventText('upsert', `{"key":${JSON.stringify(key)},"item":${item}}`)

const frame = (type: string, data: unknown, id?: string): string => eventText(type, JSON.stringify(data), id)
