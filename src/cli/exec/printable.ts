/** Control characters, and characters that change the direction of text. */
const controls = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

const escape = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/**
 * Escapes the control characters (`\x1b`) of a name or a reason that comes from a node, so that it stays within one
 * line.
 */
export const printable = (text: string): string => text.replaceAll(controls, escape)

/**
 * Escapes the control characters of output that is shown on a terminal, except line ends and tabs. Replaces bytes that
 * are not UTF-8.
 */
export const printableLines = (output: Buffer): Buffer =>
  Buffer.from(
    output
      .toString('utf8')
      .replaceAll('\r\n', '\n')
      .replaceAll(controls, character => (character === '\n' || character === '\t' ? character : escape(character))),
  )
