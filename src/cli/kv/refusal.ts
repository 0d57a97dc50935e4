import {ConsulError} from '../../core/errors.js'

/** Codes of what Consul does not do because of what was asked. */
export const refusals: ReadonlySet<string> = new Set(['BATON_HTTP', 'BATON_TOO_LARGE'])

/** What the Go tool says when Consul refuses a request for what it asks. `undefined` for everything else: outages, rights. */
export function refusalText(error: unknown): string | undefined {
  if (!(error instanceof ConsulError) || !refusals.has(error.code)) return undefined
  return `Unexpected response code: ${error.status} (${error.text})`
}
