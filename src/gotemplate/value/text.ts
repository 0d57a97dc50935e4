/**
 * Go's strings are bytes, JavaScript's are UTF-16. Here a Go string is a JavaScript string in which each byte that is
 * not valid UTF-8 is represented by a lone surrogate: U+DC80 for 0x80, up to U+DCFF for 0xFF. The conversion is
 * lossless.
 */

const escapedByte = /[\uDC80-\uDCFF]/
const beyondAscii = /[^\0-\x7F]/
const encoder = new TextEncoder()
const fatal = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true})

/** Returns the bytes of a Go string. */
export function encodeText(text: string): Uint8Array {
  if (!escapedByte.test(text)) return encoder.encode(text)
  const bytes: number[] = []
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00)
    else bytes.push(...encoder.encode(character))
  }
  return Uint8Array.from(bytes)
}

/** Returns the Go string for these bytes, which may be invalid UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return fatal.decode(bytes)
  } catch {
    return decodeBroken(bytes)
  }
}

function decodeBroken(bytes: Uint8Array): string {
  let text = ''
  let at = 0
  while (at < bytes.length) {
    const size = validLength(bytes, at)
    if (size === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0))
      at += 1
    } else {
      text += fatal.decode(bytes.subarray(at, at + size))
      at += size
    }
  }
  return text
}

/** Returns the number of bytes of the character at this position, or 0 if the bytes are invalid UTF-8. */
function validLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4 || at + size > bytes.length) return 0
  try {
    fatal.decode(bytes.subarray(at, at + size))
    return size
  } catch {
    return 0
  }
}

/** Returns the length in bytes, which is what Go's `len` counts. */
export function byteLength(text: string): number {
  if (!beyondAscii.test(text)) return text.length
  return escapedByte.test(text) ? encodeText(text).length : Buffer.byteLength(text)
}

/** After strings were concatenated, replaces surrogates whose bytes form a character by that character. */
export function joinBytes(text: string): string {
  return escapedByte.test(text) ? decodeText(encodeText(text)) : text
}

/** Returns the part of a string between two byte positions. */
export function sliceBytes(text: string, from: number, to: number): string {
  if (!beyondAscii.test(text)) return text.slice(from, to)
  return decodeText(encodeText(text).subarray(from, to))
}

/** Compares strings by bytes, as Go does. Returns a negative number, 0 or a positive number. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  if (!beyondAscii.test(a) && !beyondAscii.test(b)) return a < b ? -1 : 1
  return Buffer.compare(encodeText(a), encodeText(b))
}

/** True for a surrogate that represents a byte of invalid UTF-8. */
export function isBrokenByte(character: string): boolean {
  return escapedByte.test(character)
}

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

/** Go's `unicode.IsPrint`. */
export function isPrintable(character: string): boolean {
  return printable.test(character)
}
