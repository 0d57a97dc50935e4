import type {MappingStatus} from '../types.js'

const toIso = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString())

/** Returns a status for JSON, with times as text and null for missing values. */
export const statusFields = (status: MappingStatus): Readonly<Record<string, unknown>> => {
  const {currentAtMs, equalAtMs, retrying, lagMs, lastPassMs, ...rest} = status
  return {
    ...rest,
    lagMs: Math.round(lagMs),
    lastPassMs: Math.round(lastPassMs),
    currentAt: toIso(currentAtMs),
    equalAt: toIso(equalAtMs),
    retrying: retrying ? {part: retrying.part, since: toIso(retrying.sinceMs), reason: retrying.reason} : null,
  }
}
