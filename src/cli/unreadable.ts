import {messageOf} from '../core/errors.js'

/** Why a file cannot be read, without its path, which the message around it names. */
export const whyUnreadable = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)
