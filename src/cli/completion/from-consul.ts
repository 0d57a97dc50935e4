import {toClientOptions} from '../../config/connection.js'
import {connectionFromEnv, type Environment} from '../../config/environment.js'
import {type ConsulClient, createClient} from '../../core/client.js'
import {flagWords} from '../argv.js'
import {consulFlags} from '../flags.js'
import type {Wanted} from './types.js'

/** Time limit of the request. It is short because a shell waits for the answer. If it passes, no names are offered. */
const answerWithinMs = 300

/**
 * Returns the names that the agent knows. Returns none if the agent refuses or does not answer in time. The agent's
 * address comes from the flags before the cursor and from the environment.
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
    // A shell cannot show an error while it completes a word. The command itself will report the error.
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
