import type {ConsulClient} from '../core/client.js'
import {isBatonError, messageOf} from '../core/errors.js'
import {formatDuration} from '../core/time/duration.js'
import type {ServiceInstance} from '../core/types.js'
import type {Finding} from './types.js'

const responderService = 'baton-responder'
/** Output of the health check of a `baton responder` that can read its trusted keys. */
const serving = 'serving'
/** Time limit for the answer of a datacenter, for all attempts together. */
const remoteTimeoutMs = 3000

/**
 * Checks that each datacenter known to the agent answers, because `replicate` and `--datacenter` need
 * that.
 */
export async function examineDatacenters(client: ConsulClient): Promise<readonly Finding[]> {
  let names: readonly string[]
  try {
    names = (await client.catalog.datacenters()).value
  } catch (error) {
    return [undetermined('datacenters', error)]
  }
  const asked = names.map(async (datacenter): Promise<{readonly datacenter: string; readonly why?: string}> => {
    const controller = new AbortController()
    using _timer = client.clock.timer(remoteTimeoutMs, () => controller.abort())
    try {
      await client.catalog.service('consul', {datacenter, signal: controller.signal})
      return {datacenter}
    } catch (error) {
      const isLate = controller.signal.aborted
      return {datacenter, why: isLate ? `no answer within ${formatDuration(remoteTimeoutMs)}` : messageOf(error)}
    }
  })
  const answers = await Promise.all(asked)
  const reached = answers.filter(({why}) => why === undefined).map(({datacenter}) => datacenter)
  const lost = answers.filter(({why}) => why !== undefined)
  return [
    ...(reached.length > 0
      ? [{check: 'datacenters', verdict: 'ok', text: `reachable: ${reached.join(', ')}`} as const]
      : []),
    ...lost.map(
      ({datacenter, why = ''}): Finding => ({
        check: 'datacenters',
        verdict: 'warn',
        text: `${datacenter} cannot be reached: ${why}`,
        fix: 'see consul members -wan on a server',
      }),
    ),
  ]
}

/**
 * Counts the instances of `baton responder`, and names those whose check does not pass or that cannot read their
 * trusted keys.
 */
export async function examineResponders(client: ConsulClient): Promise<readonly Finding[]> {
  let instances: readonly ServiceInstance[]
  try {
    instances = (await client.catalog.service(responderService)).value
  } catch (error) {
    return [undetermined('responders', error)]
  }
  if (instances.length === 0)
    return [{check: 'responders', verdict: 'ok', text: 'none: baton exec needs baton responder on each node'}]
  const states = instances.map(instance => ({name: nameOf(instance), ...stateOf(instance)}))
  const passing = states.filter(({isPassing}) => isPassing)
  const troubled = states.filter(({isPassing, note}) => isPassing && note !== serving)
  const silent = states.filter(({isPassing}) => !isPassing).map(({name}) => name)
  return [
    {check: 'responders', verdict: 'ok', text: `${passing.length} of ${instances.length} passing`},
    ...(silent.length > 0
      ? [
          {
            check: 'responders',
            verdict: 'warn',
            text: `not passing: ${shortened(silent)}`,
            fix: 'start baton responder there again, or wait until Consul removes it',
          } as const,
        ]
      : []),
    ...troubled.map(
      ({name, note}): Finding => ({
        check: 'responders',
        verdict: 'warn',
        text: `${name}: ${note}`,
        fix: 'see baton keys ls on that node',
      }),
    ),
  ]
}

const mostNames = 10
const shortened = (names: readonly string[]): string =>
  names.length <= mostNames
    ? names.join(', ')
    : `${names.slice(0, mostNames).join(', ')} and ${names.length - mostNames} more`

const nameOf = ({meta, node}: ServiceInstance): string => meta['responder'] ?? node.node

function stateOf({checks, serviceId}: ServiceInstance): {readonly isPassing: boolean; readonly note: string} {
  const own = checks.find(check => check.serviceId === serviceId)
  return {isPassing: checks.every(({status}) => status === 'passing'), note: own?.output || serving}
}

function undetermined(check: Finding['check'], error: unknown): Finding {
  const fix = isBatonError(error) ? error.hint : undefined
  const text = `could not be determined: ${messageOf(error)}`
  return {check, verdict: 'warn', text, ...(fix !== undefined && {fix})}
}
