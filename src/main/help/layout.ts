import {wrap} from '../../cli/wrap.js'

/** Minimum width of the terminal for two columns. */
const leastForColumns = 60
const margin = '  '
const deeper = '      '

export interface Row {
  readonly term: string
  readonly text: string
}

/**
 * Returns terms with their texts beside them. On a narrow terminal, or if the term is long, the text is below the term.
 */
export function toRows(rows: readonly Row[], width: number): string {
  const terms = rows.map(({term}) => term.length)
  const most = Math.floor(width * 0.4)
  const column = margin.length + Math.max(0, ...terms.filter(length => length <= most)) + 2
  const isNarrow = width < leastForColumns && Math.max(0, ...terms) > deeper.length
  return rows
    .map(({term, text}) => {
      if (isNarrow) return `${margin}${term.trimStart()}\n${wrap(text, width, deeper)}`
      const wrapped = wrap(text, width, ' '.repeat(column))
      return term.length > most
        ? `${margin}${term}\n${wrapped}`
        : `${margin}${term}`.padEnd(column) + wrapped.slice(column)
    })
    .join('\n')
}

/**
 * Breaks a command line that is too long, with a backslash at the end of each line. Quoted words are not broken.
 */
export function toCommandLine(line: string, width: number, continuation = ' \\'): string {
  const words = line.match(/(?:'[^']*'|"[^"]*"|\S)+/g) ?? []
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    const indent = lines.length > 1 ? deeper : margin
    if (last === undefined || indent.length + last.length + 1 + word.length + continuation.length > width)
      lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.map((one, at) => (at === 0 ? margin : deeper) + one).join(`${continuation}\n`)
}
