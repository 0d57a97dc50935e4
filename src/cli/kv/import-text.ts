import {ConsulError, isBatonError, messageOf} from '../../core/errors.js'
import type {ExchangeFault} from '../../kv/exchange.js'
import {ImportError} from '../../kv/import.js'

/**
 * Returns the text that `consul kv import` prints for data that it cannot read or a key that it cannot
 * write.
 */
export function importText(error: unknown): string {
  if (error instanceof ImportError) return failedWriting(error.key, reasonOf(error.cause))
  if (!isBatonError(error)) return messageOf(error)
  const {fault, key, offset, reason} = error.details as Readonly<Record<string, string | undefined>>
  switch (fault as ExchangeFault | undefined) {
    case 'empty':
      return 'Error! Empty DATA argument'
    case 'format':
      return `Cannot unmarshal data: ${reason ?? ''}`
    case 'base64':
      return `Error base 64 decoding value for key ${key ?? ''}: illegal base64 data at input byte ${offset ?? ''}`
    case 'key':
      return failedWriting(
        key ?? '',
        key === '' ? 'Missing key name' : `Invalid key. Key must not begin with a '/': ${key}`,
      )
    case undefined:
      return error.message
  }
}

const failedWriting = (key: string, reason: string): string => `Error! Failed writing data for key ${key}: ${reason}`

const reasonOf = (cause: unknown): string =>
  cause instanceof ConsulError ? `Unexpected response code: ${cause.status} (${cause.text})` : messageOf(cause)
