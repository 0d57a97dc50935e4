import {createHash, timingSafeEqual} from 'node:crypto'
import {isLoopback} from '../../serve/listen.js'
import {errorReply, type Reply} from '../../serve/reply.js'
import type {Route, RouteCall} from '../../serve/server.js'

/** Which clients may read the status. */
export interface Access {
  /** The token that a client must send; undefined if no token is needed. */
  readonly token: string | undefined
  /**
   * True if requests must name a loopback address, so that a web page of another site cannot reach this server through
   * a host name of that site.
   */
  readonly loopbackOnly: boolean
}

/** Returns a route that serves clients that may read. Others get 401 or 403. */
export const guarded =
  (access: Access, route: Route): Route =>
  call =>
    refusal(access, call) ?? route(call)

/** Returns a route that serves only requests that name this server by one of its own addresses. */
export const addressed =
  (access: Access, route: Route): Route =>
  call =>
    foreignHost(access, call) ?? route(call)

function refusal(access: Access, call: RouteCall): Reply | undefined {
  const foreign = foreignHost(access, call)
  if (foreign || access.token === undefined) return foreign
  const [, given = ''] = /^Bearer (.+)$/.exec(call.request.headers.authorization ?? '') ?? []
  if (timingSafeEqual(digest(given), digest(access.token))) return undefined
  return errorReply(401, 'a token is needed', {'www-authenticate': 'Bearer', 'cache-control': 'no-store'})
}

function foreignHost({loopbackOnly}: Access, {request}: RouteCall): Reply | undefined {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return loopbackOnly && !isLoopback(host) ? errorReply(403, 'this host name is not served') : undefined
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
