/** A prefix of keys in a datacenter. */
export interface Place {
  readonly prefix: string
  /** Undefined means that of the client. */
  readonly datacenter: string | undefined
  /** As it was given. */
  readonly text: string
}

/** Reads `PREFIX[@DC]`. An `@` that no name of a datacenter follows is part of the prefix; `/` alone is the root. */
export function parsePlace(text: string): Place {
  const [, prefix = text, datacenter] = /^([\s\S]*)@([A-Za-z0-9_-]+)$/.exec(text) ?? []
  return {prefix: prefix.replace(/^\//, ''), datacenter, text}
}
