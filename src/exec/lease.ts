import type {ConsulClient} from '../core/client.js'
import {messageOf, SessionLostError} from '../core/errors.js'
import type {SessionId, SessionRequest} from '../core/types.js'

/** A session that is renewed until disposed; disposing destroys it, and with it everything it holds. */
export interface Lease extends AsyncDisposable {
  readonly id: SessionId
  /** Aborts when Consul no longer knows the session. Trouble in reaching Consul is not loss. */
  readonly lost: AbortSignal
}

/** Renewing three times per TTL leaves room for two failures, and Consul waits twice the TTL. */
const renewalsPerTtl = 3

export async function openLease(
  client: ConsulClient,
  request: SessionRequest & {readonly ttlMs: number},
  options: {readonly signal: AbortSignal},
): Promise<Lease> {
  const {id} = await client.session.create(request, options)
  const lost = new AbortController()
  const closed = new AbortController()
  const renewing = renew()

  async function renew(): Promise<void> {
    while (!closed.signal.aborted) {
      try {
        await client.clock.sleep(request.ttlMs / renewalsPerTtl, closed.signal)
        const {alive} = await client.session.renew(id, {signal: closed.signal})
        if (alive) continue
        lost.abort(new SessionLostError(`session ${id}: Consul no longer knows it`))
        return
      } catch (error) {
        if (!closed.signal.aborted) client.logger.warn({session: id, error: messageOf(error)}, 'session.renewFailed')
      }
    }
  }

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    closed.abort()
    await renewing
    await client.session.destroy(id)
  }
  return {
    id,
    lost: lost.signal,
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}
