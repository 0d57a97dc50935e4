import type {ServerResponse} from 'node:http'
import {linkSignal} from '../../core/cancel/link-signal.js'
import type {Clock} from '../../core/types.js'
import {
  beginEvents,
  eventText,
  heartbeat,
  heartbeatMs,
  type StreamOptions,
  writeEvents,
} from '../../serve/event-stream.js'
import type {Reply} from '../../serve/reply.js'
import type {Route} from '../../serve/server.js'
import type {StatusFeed} from '../feed.js'
import {type Access, addressed, guarded} from './access.js'
import {pageHtml, pageScript, pageStyle} from './page-texts.js'

/** Options for the HTTP routes of a status. */
export interface StatusRouteOptions {
  readonly feed: StatusFeed
  readonly clock: Clock
  readonly access: Access
}

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/**
 * Returns the routes: the page, which contains no data and needs no token, and the stream of status parts that the page
 * reads.
 */
export function statusRoutes({feed, clock, access}: StatusRouteOptions): ReadonlyMap<string, Route> {
  const file = (type: string, body: string): Route => {
    const reply: Reply = {status: 200, body, headers: {...headers, 'content-type': `${type}; charset=utf-8`}}
    return addressed(access, () => reply)
  }
  return new Map<string, Route>([
    ['/', file('text/html', pageHtml)],
    ['/page.js', file('text/javascript', pageScript)],
    ['/page.css', file('text/css', pageStyle)],
    [
      '/events',
      guarded(access, async ({request, response, signal}) => {
        if (request.method === 'HEAD') return {status: 200, body: '', headers: {...headers}}
        await streamParts(response, feed, {clock, signal})
        return undefined
      }),
    ],
  ])
}

/**
 * Sends every part of the status that was read so far, then each part that changes. A slow client gets the newest
 * texts, never a backlog.
 */
async function streamParts(response: ServerResponse, feed: StatusFeed, options: StreamOptions): Promise<void> {
  const {clock, signal} = options
  using _view = feed.view()
  beginEvents(response, headers)
  const newerThan = (version: number) => [...feed.texts].filter(([, text]) => text.version > version)
  let sent = 0
  while (!signal.aborted) {
    const news = newerThan(sent)
    const text = news.map(([name, {json}]) => eventText(name, json)).join('')
    sent = Math.max(sent, ...news.map(([, {version}]) => version))
    if (!(await writeEvents(response, text === '' ? heartbeat : text, options))) {
      response.destroy()
      return
    }
    using pause = linkSignal(signal, {clock, timeoutMs: heartbeatMs})
    await feed.until(() => newerThan(sent).length > 0, pause.signal).catch(() => undefined)
  }
  response.end()
}
