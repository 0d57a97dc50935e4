import {isBatonError, messageOf} from './errors.js'

const codes = ['BATON_TLS', 'BATON_ACL_DENIED', 'BATON_BAD_ANSWER'] as const

/**
 * True if a failure at start-up will not end by waiting, because an address, a token, a certificate or a datacenter is
 * wrong. Once a request has succeeded, the same failure may be an outage.
 */
export const isHopeless = (error: unknown): boolean =>
  codes.some(code => isBatonError(error, code)) || /No path to datacenter/.test(messageOf(error))
