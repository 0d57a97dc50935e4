import {messageOf} from '../core/errors.js'
import type {Clock, Logger, Transport, TransportRequest, TransportResponse} from '../core/types.js'

/**
 * Passes requests on to another transport. Logs each request with its answer or failure at level debug, but without
 * headers.
 */
export const loggedTransport = (
  inner: Transport,
  {logger, clock}: {readonly logger: Logger; readonly clock: Clock},
): Transport => {
  const logged = async (
    request: TransportRequest,
    send: () => Promise<TransportResponse>,
  ): Promise<TransportResponse> => {
    const {method, path} = request
    const startMs = clock.monotonicMs()
    const log = (fields: object, message: string): void =>
      logger.debug({method, path, ...fields, ms: Math.round(clock.monotonicMs() - startMs)}, message)
    try {
      const response = await send()
      log({status: response.status}, 'Consul answered a request')
      return response
    } catch (error) {
      if (request.signal?.aborted !== true) log({why: messageOf(error)}, 'a request failed')
      throw error
    }
  }
  return {
    send: request => logged(request, () => inner.send(request)),
    prepare: (request, gap) => {
      const send = inner.prepare?.(request, gap)
      return send && (text => logged(request, () => send(text)))
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  }
}
