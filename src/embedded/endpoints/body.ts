import {type Decoded, decodeObject, type Fields} from '../go/decode.js'
import {JsonError, parseGoJson} from '../go/json-parse.js'
import type {Call} from '../http/call.js'
import {badRequest} from '../refusals.js'

/**
 * Reads a JSON body strictly. Refuses an empty body, invalid JSON and unknown fields with Go's message, preceded by
 * `failed`.
 */
export async function decodeBody(call: Call, fields: Fields, failed = 'Request decode failed'): Promise<Decoded> {
  const text = await call.textBody()
  try {
    return decodeObject(parseGoJson(text), fields)
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    const suffix =
      error.message === 'json: unknown field "Namespace"' ? ' - Namespaces are a Consul Enterprise feature' : ''
    throw badRequest(`${failed}: ${error.message}${suffix}`)
  }
}
