import type {IncomingMessage} from 'node:http'
import {linkSignal} from '../../core/cancel/link-signal.js'
import {isBatonError, messageOf} from '../../core/errors.js'
import {parseDuration} from '../../core/time/duration.js'
import type {Clock} from '../../core/types.js'
import {errorReply, type Reply, taggedReply} from '../../serve/reply.js'
import {withCapability} from '../capability.js'
import type {ServiceDirectory} from '../directory.js'
import type {PublishedList} from '../types.js'
import {toTargets} from './prometheus-sd.js'

/** Default and maximum wait of a blocking query in Consul. */
const defaultWaitMs = 300_000
const longestWaitMs = 600_000

export interface ListRequest {
  readonly request: IncomingMessage
  readonly query: URLSearchParams
  /** Aborts when the client disconnects and when the server closes. */
  readonly signal: AbortSignal
}

/** Renders a list. With `capability`, only the services that have it, those with the largest capacity first. */
type Render = (list: PublishedList, capability: string | undefined) => Buffer

/** Renders the list as a services document. */
export const renderServices: Render = (list, capability) =>
  capability === undefined
    ? list.body
    : Buffer.from(JSON.stringify({services: withCapability(list.services, capability, service => service)}))

/** Renders the list for Prometheus's HTTP service discovery. */
export const renderTargets: Render = (list, capability) => {
  const targets = list.services.map((service, at) => ({service, labels: list.labels[at]}))
  const chosen = capability === undefined ? targets : withCapability(targets, capability, ({service}) => service)
  return Buffer.from(JSON.stringify(toTargets(chosen)))
}

/**
 * Answers a blocking query from the list in memory: at once if the client's index is not the current one, otherwise
 * when there is a new list or the wait has ended. `?capability=NAME` omits services without that capability.
 */
export async function answerList(
  call: ListRequest,
  options: {readonly directory: ServiceDirectory; readonly clock: Clock; readonly render: Render},
): Promise<Reply> {
  const {directory, clock, render} = options
  let blocking: {readonly index: bigint; readonly waitMs: number} | undefined
  try {
    blocking = parseBlocking(call.query)
  } catch (error) {
    return errorReply(400, isBatonError(error) ? error.message : messageOf(error))
  }
  if (blocking && directory.current?.index === blocking.index) {
    using link = linkSignal(call.signal, {clock, timeoutMs: blocking.waitMs})
    await directory.untilNewer(blocking.index, link.signal)
  }
  const {current: list, status} = directory
  if (!list) return errorReply(503, status.problems[0]?.message ?? 'no list yet', {'retry-after': '1'})
  const capability = call.query.get('capability') ?? undefined
  return taggedReply(call.request, render(list, capability), {
    'x-consul-index': String(list.index),
    'x-consul-knownleader': String(status.state !== 'stale'),
    'x-consul-lastcontact': String(Math.round(status.staleForMs)),
  })
}

function parseBlocking(query: URLSearchParams): {readonly index: bigint; readonly waitMs: number} | undefined {
  const index = query.get('index')
  const wait = query.get('wait')
  if (index !== null && !/^\d{1,20}$/.test(index)) throw new Error('index: not a whole number')
  const waitMs = wait === null ? 0 : parseDuration(wait, 'wait')
  if (index === null || BigInt(index) === 0n) return undefined
  return {index: BigInt(index), waitMs: Math.min(waitMs > 0 ? waitMs : defaultWaitMs, longestWaitMs)}
}
