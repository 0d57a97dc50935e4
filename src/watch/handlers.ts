import {request as httpRequest} from 'node:http'
import {request as httpsRequest} from 'node:https'
import {goJson} from '../core/api/go-json.js'
import {messageOf} from '../core/errors.js'
import {Backoff} from '../core/time/backoff.js'
import type {Clock, Random} from '../core/types.js'
import {HandlerError, runHandlerToSuccess} from '../process/handler.js'
import type {Delivery} from './delivery.js'

/** Handles one delivery. Rejects if the handler fails. */
export type Handler = (delivery: Delivery, signal: AbortSignal) => Promise<void>

export interface ExecHandlerOptions {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly timeoutMs?: number
  readonly graceMs?: number
  /** True to write an object with the value, the previous value and the changes to stdin, instead of only the value. */
  readonly withPrevious?: boolean
}

/** Returns the JSON that a handler reads: one line, in chunks. */
export function handlerInput(delivery: Delivery, withPrevious: boolean): Iterable<Uint8Array> {
  if (!withPrevious) return delivery.content.bytes()
  const {index, value, previous = null, changes} = delivery
  const text = goJson({
    v: 1,
    index: index?.toString(),
    value,
    previous,
    changes: changes.map(({op, key, item, previous: was}) => ({op, key, item, previous: was})),
  })
  return [Buffer.from(`${text}\n`)]
}

/** Runs a command with the value on stdin and CONSUL_INDEX in its environment. */
export function execHandler(options: ExecHandlerOptions): Handler {
  const {argv, clock, timeoutMs, graceMs} = options
  return async (delivery, signal) => {
    const env = {
      ...options.env,
      ...(delivery.index !== undefined && {CONSUL_INDEX: delivery.index.toString()}),
      BATON_WATCH_TYPE: delivery.spec.type,
      BATON_WATCH_CHANGES: delivery.changeCount.toString(),
    }
    await runHandlerToSuccess({
      argv,
      env,
      input: handlerInput(delivery, options.withPrevious === true),
      clock,
      signal,
      ...(timeoutMs !== undefined && {timeoutMs}),
      ...(graceMs !== undefined && {graceMs}),
    })
  }
}

export interface HttpHandlerOptions {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Time limit of a request in milliseconds. @default 10000 */
  readonly timeoutMs?: number
  readonly skipVerify?: boolean
  readonly withPrevious?: boolean
}

const keptOutput = 4096

/**
 * Sends the value as JSON with the header X-Consul-Index, as an agent's `http` handler does. Any status except 2xx is a
 * failure.
 */
export function httpHandler(options: HttpHandlerOptions): Handler {
  return async (delivery, signal) => {
    const body = Buffer.concat([...handlerInput(delivery, options.withPrevious === true)])
    const {status, text} = await send(options, delivery, body, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      throw failed(options.url, messageOf(error), error)
    })
    if (status < 200 || status > 299) throw failed(options.url, `HTTP ${status}${text === '' ? '' : `: ${text}`}`)
  }
}

const failed = (url: string, why: string, cause?: unknown): HandlerError => {
  const {origin, pathname} = new URL(url)
  return new HandlerError(`handler ${origin}${pathname}: ${why}`, {
    exitCode: 1,
    failure: {how: 'answer', why},
    cause,
  })
}

function send(
  options: HttpHandlerOptions,
  delivery: Delivery,
  body: Buffer,
  signal: AbortSignal,
): Promise<{readonly status: number; readonly text: string}> {
  const request = options.url.startsWith('https:') ? httpsRequest : httpRequest
  const headers = {
    ...(options.headers as Record<string, string | string[]>),
    'Content-Type': 'application/json',
    ...(delivery.index !== undefined && {'X-Consul-Index': delivery.index.toString()}),
    'Content-Length': body.length,
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      options.url,
      {
        method: options.method ?? 'POST',
        agent: false,
        signal,
        timeout: options.timeoutMs ?? 10_000,
        ...(options.skipVerify === true && {rejectUnauthorized: false}),
        headers,
      },
      answer => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          text = (text + chunk).slice(-keptOutput)
        })
        answer.on('error', reject)
        answer.on('end', () => resolve({status: answer.statusCode ?? 0, text: text.trim()}))
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/**
 * What happens after a failure. `exit`: the watch ends with the handler's error. `continue`: the watch waits for the
 * next change. `retry`: the handler is repeated until it succeeds or a newer value replaces this one.
 */
export type OnHandlerError = 'exit' | 'continue' | 'retry'

export interface PolicyOptions {
  readonly onError: OnHandlerError
  readonly random: Random
  readonly onFailure?: (error: HandlerError) => void
}

/**
 * Adds a policy for failures to a handler. With `retry`, the handler resolves with the milliseconds until the failed
 * delivery is repeated; a newer delivery does not wait for this time.
 */
export function withPolicy(
  handler: Handler,
  options: PolicyOptions,
): (delivery: Delivery, signal: AbortSignal) => Promise<number | undefined> {
  const {onError, random, onFailure} = options
  const backoff = new Backoff({random, minMs: 1000, maxMs: 60_000})
  let last: Delivery | undefined
  return async (delivery, signal) => {
    if (delivery !== last) backoff.reset()
    last = delivery
    try {
      await handler(delivery, signal)
      return undefined
    } catch (error) {
      if (signal.aborted) return undefined
      if (!(error instanceof HandlerError) || onError === 'exit') throw error
      onFailure?.(error)
      return onError === 'retry' ? backoff.next() : undefined
    }
  }
}
