/** The fields that are set: an options object distinguishes a missing field from one that is undefined. */
export function defined<T extends object>(fields: T): {[K in keyof T]?: Exclude<T[K], undefined>} {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as {[K in keyof T]?: Exclude<T[K], undefined>}
}
