/** Controls of terminals, in ASCII and beyond, and what turns the direction of text. */
const controls = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

const escape = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** A name or a reason that a node gave, fit for one line: controls become `\x1b` and the like. */
export const printable = (text: string): string => text.replaceAll(controls, escape)

/** Output for a terminal: only line ends and tabs are left of its controls. What is not UTF-8 is replaced. */
export const printableLines = (output: Buffer): Buffer =>
  Buffer.from(
    output
      .toString('utf8')
      .replaceAll('\r\n', '\n')
      .replaceAll(controls, character => (character === '\n' || character === '\t' ? character : escape(character))),
  )
