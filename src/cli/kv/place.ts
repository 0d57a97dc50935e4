/** A key prefix in a datacenter. */
export interface Place {
  readonly prefix: string
  /** The datacenter; undefined for the client's own. */
  readonly datacenter: string | undefined
  /** The text as the user gave it. */
  readonly text: string
}

/**
 * Parses `PREFIX[@DC]`. An `@` belongs to the prefix unless the name of a datacenter follows; `/` alone means all keys.
 */
export function parsePlace(text: string): Place {
  const [, prefix = text, datacenter] = /^([\s\S]*)@([A-Za-z0-9_-]+)$/.exec(text) ?? []
  return {prefix: prefix.replace(/^\//, ''), datacenter, text}
}
