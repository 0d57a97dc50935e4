/**
 * Go's strings are bytes, JavaScript's are UTF-16. Here a Go string is a JavaScript string in which each byte that is
 * not valid UTF-8 stands as one lone surrogate, U+DC80 for 0x80 up to U+DCFF for 0xFF. Nothing is lost on the way.
 */

const escapedByte = /[\uDC80-\uDCFF]/
const beyondAscii = /[^\0-\x7F]/
const encoder = new TextEncoder()
const fatal = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true})

/** The bytes of a Go string. */
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

/** The Go string of some bytes, valid UTF-8 or not. */
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

/** How many bytes the character at this place takes, or 0 if it is not valid there. */
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

/** The length in bytes, which is what Go's `len` counts. */
export function byteLength(text: string): number {
  if (!beyondAscii.test(text)) return text.length
  return escapedByte.test(text) ? encodeText(text).length : Buffer.byteLength(text)
}

/** A text put together from parts may hold a character in single bytes; this makes it one character again. */
export function joinBytes(text: string): string {
  return escapedByte.test(text) ? decodeText(encodeText(text)) : text
}

/** The part of a string between two byte positions. */
export function sliceBytes(text: string, from: number, to: number): string {
  if (!beyondAscii.test(text)) return text.slice(from, to)
  return decodeText(encodeText(text).subarray(from, to))
}

/** Go's order of strings: by bytes. Negative, 0 or positive. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  if (!beyondAscii.test(a) && !beyondAscii.test(b)) return a < b ? -1 : 1
  return Buffer.compare(encodeText(a), encodeText(b))
}

/** True for a lone byte that is not valid UTF-8. */
export function isBrokenByte(character: string): boolean {
  return escapedByte.test(character)
}

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

/** Go's `unicode.IsPrint`. */
export function isPrintable(character: string): boolean {
  return printable.test(character)
}
