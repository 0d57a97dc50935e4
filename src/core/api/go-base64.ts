const alphabet = /^[A-Za-z0-9+/]$/

/** Offset of the first character that is not valid base64, as Go's decoder counts it. */
export interface BadBase64 {
  readonly offset: number
}

/**
 * Decodes strict base64 with padding, as Go's StdEncoding does: line breaks are skipped, any other foreign character is
 * an error. Node's own decoder skips invalid characters, which would turn a typing error into an empty value.
 */
export function decodeGoBase64(text: string): Buffer | BadBase64 {
  let digits = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character === '\n' || character === '\r') continue
    if (character === '=') {
      const bad = badPadding(text, at, digits % 4)
      return bad ?? Buffer.from(text.replaceAll(/[\r\n]/g, ''), 'base64')
    }
    if (!alphabet.test(character)) return {offset: at}
    digits += 1
  }
  const rest = digits % 4
  return rest === 0 ? Buffer.from(text, 'base64') : {offset: text.length - rest}
}

/**
 * Returns the first error in the padding that starts at offset `at`. `filled` is the number of characters in the same
 * group of four that precede the padding.
 */
function badPadding(text: string, at: number, filled: number): BadBase64 | undefined {
  if (filled < 2) return {offset: at}
  let needed = 4 - filled
  for (let place = at; place < text.length; place += 1) {
    const character = text.charAt(place)
    if (character === '\n' || character === '\r') continue
    if (needed === 0) return {offset: place}
    if (character !== '=') return {offset: place - 1}
    needed -= 1
  }
  return needed === 0 ? undefined : {offset: text.length}
}
