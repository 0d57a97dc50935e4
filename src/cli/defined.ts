/**
 * Returns the fields that are not undefined. Needed because the types distinguish a missing field from an undefined
 * one.
 */
export function defined<T extends object>(fields: T): {[K in keyof T]?: Exclude<T[K], undefined>} {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as {[K in keyof T]?: Exclude<T[K], undefined>}
}
