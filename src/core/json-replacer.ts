/**
 * Lets JSON.stringify write any value of the library, including bigints, which JSON lacks: `JSON.stringify(snapshot,
 * jsonReplacer)`. A bigint becomes its digits as a string, a Map an object, and bytes base64, as in Consul's own JSON.
 *
 * @example
 * ```ts
 * await client.kv.put('json', 'hello')
 * const {value} = await client.kv.get('json')
 * const parsed = JSON.parse(JSON.stringify({key: value?.key, value: value?.value, flags: value?.flags}, jsonReplacer))
 * parsed // => {key: 'json', value: 'aGVsbG8=', flags: '0'}
 * ```
 */
export function jsonReplacer(this: unknown, key: string, value: unknown): unknown {
  // JSON.stringify has already called the Buffer's own toJSON; the original value is still in `this`.
  const original: unknown = (this as Readonly<Record<string, unknown>>)[key]
  if (original instanceof Uint8Array) return Buffer.from(original).toString('base64')
  if (value instanceof Map) return Object.fromEntries(value as ReadonlyMap<string, unknown>)
  return typeof value === 'bigint' ? value.toString() : value
}
