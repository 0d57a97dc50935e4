import {ConsulError} from '../../core/errors.js'

/** Error codes of requests that Consul refused because of their content. */
export const refusals: ReadonlySet<string> = new Set(['BATON_HTTP', 'BATON_TOO_LARGE'])

/**
 * Returns the Go tool's text for a request that Consul refused because of its content. Returns undefined for other
 * failures, such as outages and missing permissions.
 */
export function refusalText(error: unknown): string | undefined {
  if (!(error instanceof ConsulError) || !refusals.has(error.code)) return undefined
  return `Unexpected response code: ${error.status} (${error.text})`
}

/** Returns the Go tool's text for a write that Consul refused. Throws any other error. */
export function refusedWrite(error: unknown): string {
  const refusal = refusalText(error)
  if (refusal === undefined) throw error
  return `Error! Failed writing data: ${refusal}`
}
