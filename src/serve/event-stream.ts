import type {ServerResponse} from 'node:http'
import {linkSignal} from '../core/cancel/link-signal.js'
import type {Clock} from '../core/types.js'

/** Time after which a client that does not read is disconnected. */
const slowClientMs = 30_000

/** Clock and signal for a stream. */
export interface StreamOptions {
  readonly clock: Clock
  /** Aborts when the client disconnects and when the server closes. */
  readonly signal: AbortSignal
}

/**
 * Interval at which a stream sends a comment if it has nothing else to send, so that both ends notice a
 * dead connection.
 */
export const heartbeatMs = 15_000

/** A comment in the stream, which clients ignore. */
export const heartbeat = ': still here\n\n'

/** Begins an answer in the format of server-sent events. */
export function beginEvents(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.flushHeaders()
}

/** Returns one event whose data is one line of JSON. */
export const eventText = (type: string, json: string, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${json}\n\n`

/**
 * Resolves with true when the client can take more, and with false if it has disconnected or no longer
 * reads.
 */
export async function writeEvents(response: ServerResponse, text: string, options: StreamOptions): Promise<boolean> {
  if (response.destroyed) return false
  if (response.write(text)) return true
  using limit = linkSignal(options.signal, {clock: options.clock, timeoutMs: slowClientMs})
  return await new Promise(resolve => {
    const settle = (isDrained: boolean) => (): void => {
      response.off('drain', onDrain).off('close', onEnd)
      limit.signal.removeEventListener('abort', onEnd)
      resolve(isDrained)
    }
    const onDrain = settle(true)
    const onEnd = settle(false)
    response.once('drain', onDrain).once('close', onEnd)
    limit.signal.addEventListener('abort', onEnd, {once: true})
  })
}
