import type {Headers} from '../refusals.js'
import type {Call} from './call.js'

/** Query parameters that are not part of the key of a cache entry. */
const outside = new Set(['cached', 'stale', 'index', 'wait', 'pretty', 'near', 'passing', 'max_stale', 'token'])

/**
 * Returns the headers that `?cached` adds to an answer: whether it came from the agent's cache, and its age in seconds.
 * The age is 0 for most answers, because the agent keeps them fresh.
 */
export function cacheHeaders(call: Call, isKeptFresh = true): Headers {
  if (!call.query.has('cached')) return {}
  const ageMs = call.agent.cache.ageMs(keyOf(call), isKeptFresh ? Number.POSITIVE_INFINITY : longestAgeMs(call))
  if (ageMs === undefined) return {'x-cache': 'MISS'}
  return {'x-cache': 'HIT', age: isKeptFresh ? '0' : String(Math.trunc(ageMs / 1000))}
}

const keyOf = (call: Call): string => `${call.token} ${call.path} ${call.query.without(outside).encode()}`

function longestAgeMs(call: Call): number {
  const [, seconds] = /(?:^|,)\s*max-age=(\d+)/.exec(call.header('cache-control')) ?? []
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000
}
