import {styleText} from 'node:util'
import type {Environment} from '../config/environment.js'

export type Style = 'bold' | 'red' | 'yellow'
/** Returns the text with a style, or unchanged if colours are off. */
export type Paint = (style: Style, text: string) => string

interface Stream {
  readonly isTTY?: boolean | undefined
}

/**
 * True if the stream is a terminal, unless NO_COLOR or TERM=dumb is set. FORCE_COLOR switches colours on elsewhere, too
 * (0 or false switches them off). Node's own rule is not used, because it writes a warning to stderr if both variables
 * are set.
 */
function isColoured(stream: Stream, env: Environment): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

/**
 * Returns a function that styles text for people. It must not be used for logs, JSON or texts of Consul's own tools.
 */
export const painter = (stream: Stream, env: Environment): Paint =>
  isColoured(stream, env) ? (style, text) => styleText(style, text, {validateStream: false}) : (_style, text) => text
