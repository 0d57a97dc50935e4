import type {Call} from './call.js'
import type {Reply} from './reply.js'

export interface Route {
  /** The path of the route. If it ends in `/`, it matches all paths that begin with it. */
  readonly path: string
  readonly methods: readonly string[]
  readonly handle: (call: Call) => Reply | Promise<Reply>
}

/** Returns the route for a cleaned path, or `slash` if only a slash at its end is missing. */
export type FindRoute = (path: string) => {readonly route: Route; readonly rest: string} | 'slash' | undefined

type Handler = Route['handle']

export const get = (path: string, handle: Handler): Route => ({path, methods: ['GET'], handle})
export const put = (path: string, handle: Handler): Route => ({path, methods: ['PUT'], handle})

/** Returns a handler that refuses namespaces before any other check. */
export const plain =
  (handle: Handler): Handler =>
  call => {
    call.checkNamespace()
    return handle(call)
  }
