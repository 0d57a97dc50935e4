/**
 * Keys are stored as byte strings, with one character for each byte of UTF-8, so that `<` and `startsWith` follow the
 * order of Consul's radix tree.
 */

const onlyAscii = /^[\x00-\x7f]*$/

export const toBytes = (text: string): string =>
  onlyAscii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')

/** Decodes a byte string. Invalid UTF-8 becomes U+FFFD, as in Go's JSON. */
export const fromBytes = (bytes: string): string =>
  onlyAscii.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')

/** Decodes each `%xx` in a byte string. Returns undefined if an escape is malformed. */
export function unescapeToBytes(escaped: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(escaped)) return undefined
  return escaped.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
