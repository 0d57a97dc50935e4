import {messageOf} from '../core/errors.js'

/** Returns why a file cannot be read, without its path, because the caller's message names the path. */
export const whyUnreadable = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)
