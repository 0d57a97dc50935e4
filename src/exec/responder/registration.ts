import type {ConsulClient} from '../../core/client.js'
import {messageOf} from '../../core/errors.js'
import {Backoff} from '../../core/time/backoff.js'
import {responderAnswerKey, responderNameKey, responderProtocolKey, responderService} from '../initiator/targets.js'
import {newestVersion} from '../native/versions.js'

const renewalsPerTtl = 3
const maxRetryMs = 5000
/** Time for which a responder's check must have failed before the agent deregisters the responder. */
const deregisterAfterMs = 3_600_000

export interface RegistrationOptions {
  readonly client: ConsulClient
  readonly name: string
  /** Node of the agent that registers the responder. */
  readonly consulNode: string
  /** The public key that verifies the answers of this responder, encoded as in a JWK. */
  readonly answerKey: string
  readonly ttlMs: number
  /** Returns the output of the health check. Called each time the check is renewed. */
  readonly note: () => Promise<string>
}

/**
 * Keeps the responder in the catalog, with a check that passes while the responder runs. Registers the service again if
 * the agent has lost it, for instance after a restart without its data. If the agent does not answer, retries with
 * growing delays and logs a single warning. Disposing deregisters the service.
 */
export async function registerResponder(options: RegistrationOptions): Promise<AsyncDisposable> {
  const {client, name, consulNode, answerKey, ttlMs, note} = options
  const id = name === consulNode ? responderService : `${responderService}-${name}`
  const register = (): Promise<void> =>
    client.agent.registerService({
      id,
      name: responderService,
      meta: {[responderNameKey]: name, [responderProtocolKey]: String(newestVersion), [responderAnswerKey]: answerKey},
      ttlMs,
      deregisterAfterMs,
    })
  await register()
  const closed = new AbortController()
  const isClosed = (): boolean => closed.signal.aborted
  const passing = pass()

  async function pass(): Promise<void> {
    const renewEveryMs = ttlMs / renewalsPerTtl
    const backoff = new Backoff({maxMs: Math.min(maxRetryMs, renewEveryMs), random: client.random})
    while (!isClosed()) {
      let delayMs = renewEveryMs
      try {
        await client.agent.passService(id, await note(), {signal: closed.signal}).catch(register)
        if (backoff.attempts > 0) client.logger.warn({service: id}, 'exec.checkPassedAgain')
        backoff.reset()
      } catch (error) {
        if (!isClosed() && backoff.attempts === 0) {
          client.logger.warn({service: id, error: messageOf(error)}, 'exec.checkNotPassed')
        }
        delayMs = backoff.next()
      }
      await client.clock.sleep(delayMs, closed.signal).catch(() => {})
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      closed.abort()
      await passing
      await client.agent.deregisterService(id)
    },
  }
}
