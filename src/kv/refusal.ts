import {ConsulError} from '../core/errors.js'

/** What the Go tool says when Consul refuses a request for what it asks. `undefined` for everything else: outages, rights. */
export function refusalText(error: unknown): string | undefined {
  if (!(error instanceof ConsulError) || error.code !== 'BATON_HTTP') return undefined
  return `Unexpected response code: ${error.status} (${error.text})`
}
