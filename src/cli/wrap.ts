/** Breaks a text between words, so that a line has at most `width` characters if its words allow that. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width - indent.length) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.map(line => indent + line).join('\n')
}

/**
 * Breaks a line that is longer than `width`. Its further lines are indented by two columns more. A width of 0 is
 * unlimited.
 */
export function wrapLine(line: string, width: number): string {
  if (width <= 0 || line.length <= width) return line
  const indent = /^ */.exec(line)?.[0] ?? ''
  const [first = '', ...rest] = wrap(line.trimStart(), width - 2, indent).split('\n')
  return [first, ...rest.map(one => `  ${one}`)].join('\n')
}
