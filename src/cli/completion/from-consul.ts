import {toClientOptions} from '../../config/connection.js'
import {connectionFromEnv, type Environment} from '../../config/environment.js'
import {type ConsulClient, createClient} from '../../core/client.js'
import {flagWords} from '../argv.js'
import {consulFlags} from '../flags.js'
import type {Wanted} from './types.js'

/** A shell waits for the answer: an agent that does not answer in this time completes nothing. */
const answerWithinMs = 300

/**
 * Returns the names that the agent knows, nothing if it does not answer in time or refuses. The agent is that of the
 * flags typed so far and of the variables.
 */
export async function namesFromConsul(
  {source, current}: Wanted,
  {words, env}: {readonly words: readonly string[]; readonly env: Environment},
): Promise<readonly string[]> {
  if (source === undefined) return []
  const signal = AbortSignal.timeout(answerWithinMs)
  try {
    const settings = {...connectionFromEnv(env), ...connectionFromWords(words)}
    await using client = createClient(toClientOptions(settings))
    return await read(client, {source, current, signal})
  } catch {
    // The shell has no place for a reason; the command itself gives it.
    return []
  }
}

async function read(
  {kv, catalog}: ConsulClient,
  {
    source,
    current,
    signal,
  }: {readonly source: Wanted['source']; readonly current: string; readonly signal: AbortSignal},
): Promise<readonly string[]> {
  const call = {signal, consistency: 'stale'} as const
  if (source === 'datacenter') return (await catalog.datacenters({signal})).value
  if (source === 'node') return (await catalog.nodes(call)).value.map(({node}) => node)
  if (source === 'service') return [...(await catalog.services(call)).value.keys()]
  const folder = current.slice(0, current.lastIndexOf('/') + 1)
  return (await kv.keys(folder, {...call, separator: '/'})).value
}

function connectionFromWords(words: readonly string[]): Readonly<Record<string, unknown>> {
  const settings: Record<string, unknown> = {}
  for (const [at, word] of flagWords(words).entries()) {
    const [, name = '', value] = /^--?([a-z-]+)(?:=(.*))?$/s.exec(word) ?? []
    if (!Object.hasOwn(consulFlags, name)) continue
    settings[name] = name === 'stale' ? true : (value ?? words[at + 1])
  }
  return settings
}
