/** A prefix of keys in a datacenter. */
export interface Place {
  readonly prefix: string
  /** The datacenter; undefined for that of the client. */
  readonly datacenter: string | undefined
  /** The text as it was given. */
  readonly text: string
}

/**
 * Reads `PREFIX[@DC]`. An `@` that is not followed by the name of a datacenter is part of the prefix; `/` alone is the
 * root.
 */
export function parsePlace(text: string): Place {
  const [, prefix = text, datacenter] = /^([\s\S]*)@([A-Za-z0-9_-]+)$/.exec(text) ?? []
  return {prefix: prefix.replace(/^\//, ''), datacenter, text}
}
