/**
 * Returns the message with which Consul refuses this metadata of a node or service; undefined if it accepts the
 * metadata.
 */
export function metaError(meta: ReadonlyMap<string, string>): string | undefined {
  if (meta.size > 64) return 'Node metadata cannot contain more than 64 key/value pairs'
  for (const [key, value] of meta) {
    const wrong = pairError(key, value)
    if (wrong !== undefined) return `Couldn't load metadata pair ('${key}', '${value}'): ${wrong}`
  }
  return undefined
}

function pairError(key: string, value: string): string | undefined {
  if (key === '') return 'Key cannot be blank'
  if (!/^[A-Za-z0-9_-]+$/.test(key)) return 'Key contains invalid characters'
  if (key.length > 128) return 'Key is too long (limit: 128 characters)'
  if (key.startsWith('consul-')) return "Key prefix 'consul-' is reserved for internal use"
  return Buffer.byteLength(value) > 512 ? 'Value is too long (limit: 512 characters)' : undefined
}
