import {isBatonError, messageOf} from './errors.js'

/**
 * Returns the kind of a failure: its code, and its message without addresses and numbers, which differ between the
 * failures of one outage.
 */
export const failureKind = (error: unknown): string =>
  `${isBatonError(error) ? error.code : ''} ${messageOf(error).replaceAll(/[0-9a-f:.[\]]*\d[0-9a-f:.[\]]*/gi, '#')}`
