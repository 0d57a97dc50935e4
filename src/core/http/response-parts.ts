import type {IncomingHttpHeaders} from 'node:http'

/** Converts headers from undici's form to that of a TransportResponse. */
export function toHeaderMap(headers: IncomingHttpHeaders): ReadonlyMap<string, string> {
  const map = new Map<string, string>()
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) map.set(name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value)
  }
  return map
}

/** Joins the chunks of a body. A single chunk, as in nearly every answer to a blocking query, is not copied. */
export function joinChunks(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks
  return chunks.length === 1 && only ? only : Buffer.concat(chunks)
}
