import {UsageError} from '../core/errors.js'

/**
 * Merges the parts of a block. These are a single object or, in HCL, several objects, of which later ones add to
 * earlier ones. Names may be in upper or lower case. Throws `refusal()` for a part that is not an object, and a
 * UsageError for a name that is given twice in one part, or with different values in several parts.
 */
export function mergeBlock(
  parts: readonly unknown[],
  {path, refusal}: {readonly path: string; readonly refusal: () => Error},
): Record<string, unknown> {
  const merged: Record<string, unknown> = {}
  for (const part of parts) {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) throw refusal()
    const seen = new Set<string>()
    for (const [key, field] of Object.entries(part)) {
      const lower = key.toLowerCase()
      if (seen.has(lower)) {
        throw new UsageError(`config: ${path}: '${lower}' is given twice, in different letters`, {code: 'BATON_CONFIG'})
      }
      seen.add(lower)
      const earlier = Object.hasOwn(merged, lower) ? merged[lower] : undefined
      if (earlier !== undefined && !isBlock(earlier) && JSON.stringify(earlier) !== JSON.stringify(field)) {
        throw new UsageError(`config: ${path}: '${lower}' is given twice, with different values`, {
          code: 'BATON_CONFIG',
        })
      }
      merged[lower] = isBlock(earlier) && isBlock(field) ? [earlier, field].flat() : field
    }
  }
  return merged
}

/** True for an object, and for a list of objects. */
export const isBlock = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (!Array.isArray(value) || value.every(isBlock))
