import {RE2JS} from 're2js'
import {concerns} from '../agent/event-buffer.js'
import {eventIndex, printableEvent, type UserEventRow} from '../agent/user-event.js'
import type {Datacenter} from '../datacenter.js'
import {type Call, ClientGone, readIndex, readWait} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import {badRequest, HttpError, RpcError} from '../refusals.js'
import {randomUuid} from '../uuid.js'

const longestWaitMs = 600_000
const limit = 512

function checkPattern(kind: string, pattern: string): void {
  try {
    RE2JS.compile(pattern)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const why = text.startsWith('error parsing regexp') ? text : `error parsing regexp: ${text}`
    throw new HttpError(500, `Invalid ${kind} filter: ${why}`)
  }
}

/** Applies Consul's two size limits, one before and one after the event is encoded. */
function checkSize(event: UserEventRow): void {
  const [name, payload] = [Buffer.byteLength(event.name), event.payload?.length ?? 0]
  let filters = 0
  for (const filter of [event.nodeFilter, event.serviceFilter, event.tagFilter]) {
    if (filter !== '') filters += 4 + Buffer.byteLength(filter)
  }
  const refuse = (text: string): never => {
    throw new HttpError(500, `1 error occurred:\n\t* error broadcasting event to segment "": ${text}\n\n`)
  }
  if (66 + 2 * name + payload + filters > limit) {
    refuse(`user event exceeds configured limit of ${limit} bytes before encoding`)
  }
  const time = event.lTime <= 127n ? 1 : event.lTime <= 255n ? 2 : 3
  const short = payload === 0 ? 5 : payload < 256 ? 1 : 0
  if (95 - short + time + 2 * name + payload + filters > limit) {
    refuse(`encoded user event exceeds configured limit of ${limit} bytes after encoding`)
  }
}

async function fire(call: Call): Promise<Reply> {
  try {
    return await tryFire(call)
  } catch (error) {
    // As in Consul, every refusal of this route has status 403, except that of an unknown token.
    if (error instanceof RpcError && error.message.includes('ACL not found')) throw new HttpError(500, error.message)
    throw error
  }
}

async function tryFire(call: Call): Promise<Reply> {
  if (call.rest === '') throw badRequest('Missing name')
  const {query} = call
  const payload = call.contentLength > 0 ? await call.body() : undefined
  const target = call.target()
  const event: UserEventRow = {
    id: randomUuid(target.random),
    name: call.name,
    payload: payload && payload.length > 0 ? payload : undefined,
    nodeFilter: query.get('node'),
    serviceFilter: query.get('service'),
    tagFilter: query.get('tag'),
    lTime: 0n,
  }
  if (event.tagFilter !== '' && event.serviceFilter === '') {
    throw new HttpError(500, 'Cannot provide tag filter without service filter')
  }
  checkPattern('node', event.nodeFilter)
  checkPattern('service', event.serviceFilter)
  checkPattern('tag', event.tagFilter)
  checkSize({...event, lTime: target.eventTime + 1n})
  await call.rpc(target, () => {
    call.demand('event', event.name, 'write')
    deliver(target, event)
  })
  return jsonReply(printableEvent(event))
}

/**
 * Delivers an event to every agent of the datacenter, without the delays of gossip. An agent keeps the event if the
 * filters match.
 */
function deliver(target: Datacenter, fired: UserEventRow): void {
  target.eventTime += 1n
  const event = {...fired, lTime: target.eventTime}
  if (event.name === '_rexec') return
  for (const agent of target.agents) {
    const services = [...agent.services.values()].map(({id, tags}) => ({id, tags: tags ?? []}))
    if (concerns(event, {node: agent.node, services})) agent.events.push(event)
  }
}

async function list(call: Call): Promise<Reply> {
  const waitMs = readWait(call, longestWaitMs)
  const asked = readIndex(call)
  const {events} = call.agent
  const {may} = call
  const name = call.query.get('name')
  const indexNow = (): bigint => {
    const last = events.list(name).at(-1)
    return last ? eventIndex(last.id) : 1n
  }
  if (asked !== 0n && indexNow() === asked) await parkForEvent(call, waitMs, () => indexNow() !== asked)
  const visible = events.list(name).filter(event => may.can('event', event.name, 'read'))
  return jsonReply(visible.map(printableEvent), {'x-consul-index': String(indexNow())})
}

async function parkForEvent(call: Call, waitMs: number, changed: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (finish: () => void): void => {
      stop()
      forget()
      timer[Symbol.dispose]()
      finish()
    }
    const stop = call.agent.events.onPush(() => {
      if (changed()) settle(resolve)
    })
    const timer = call.cluster.clock.timer(waitMs, () => settle(resolve), {ref: false})
    const forget = call.onGone(() => settle(() => reject(new ClientGone())))
  })
}

export const eventRoutes: readonly Route[] = [put('/v1/event/fire/', fire), get('/v1/event/list', list)]
