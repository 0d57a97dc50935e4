import {registrationRules} from '../core/api/agent.js'
import {abortSignal, callback, checkOptions, duration} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {Heartbeat} from './heartbeat.js'
import type {OfferedService, RegisteredService, RegisterOptions} from './types.js'

const serviceRules = {...registrationRules, ttlMs: duration({minMs: 1000})}
const rules = {signal: abortSignal, observer: callback}

/**
 * Registers a service with the agent, keeps the service's TTL check passing by a heartbeat, registers the service again
 * if the agent has lost it, and removes it when the result is disposed. Resolves when the agent has the service.
 * Rejects if the agent does not answer or refuses.
 *
 * @example
 * ```ts
 * await using web = await registerService(client, {name: 'shop', port: 8080, tags: ['v2']})
 * web.id // => 'shop-8080'
 * await web.setState('warning', 'cache is cold')
 * ```
 */
export async function registerService(
  client: ConsulClient,
  service: OfferedService,
  options: RegisterOptions = {},
): Promise<RegisteredService> {
  checkOptions('registerService', {client}, {client: clientRule}, ['client'])
  checkOptions('registerService', options, rules)
  checkOptions('registerService', service, serviceRules, ['name'])
  const {name, port, ttlMs = 15_000} = service
  const id = service.id ?? (port === undefined ? name : `${name}-${port}`)
  const registration = {...service, id, ttlMs}
  await client.agent.registerService(registration, options.signal ? {signal: options.signal} : {})
  return new Heartbeat(client, registration, options.observer ?? (() => {}))
}
