/**
 * Maximum number of lines of each text. The time of a comparison grows with the product of the two numbers of lines.
 */
const maxLines = 2000

/**
 * Returns the lines that differ, each preceded by `-` or `+`, and the equal lines next to them, each preceded by a
 * space. Returns undefined if the texts are too long to compare.
 */
export function diffLines(before: readonly string[], after: readonly string[]): readonly string[] | undefined {
  if (before.length > maxLines || after.length > maxLines) return undefined
  const common = commonLengths(before, after)
  const lines: {readonly mark: ' ' | '-' | '+'; readonly text: string}[] = []
  let [a, b] = [0, 0]
  while (a < before.length || b < after.length) {
    const [left, right] = [before[a], after[b]]
    if (left !== undefined && left === right) {
      lines.push({mark: ' ', text: left})
      a += 1
      b += 1
    } else if (
      left !== undefined &&
      (right === undefined || lengthAt(common, a + 1, b) >= lengthAt(common, a, b + 1))
    ) {
      lines.push({mark: '-', text: left})
      a += 1
    } else {
      lines.push({mark: '+', text: right ?? ''})
      b += 1
    }
  }
  const isNear = (at: number): boolean => lines.slice(Math.max(0, at - 2), at + 3).some(({mark}) => mark !== ' ')
  return lines.filter((_, at) => isNear(at)).map(({mark, text}) => `${mark}${text}`)
}

const lengthAt = (common: readonly Uint16Array[], a: number, b: number): number => common[a]?.[b] ?? 0

/** Returns, for each pair of positions, the length of the longest common subsequence of the remaining lines. */
function commonLengths(before: readonly string[], after: readonly string[]): readonly Uint16Array[] {
  const rows = Array.from({length: before.length + 1}, () => new Uint16Array(after.length + 1))
  for (let a = before.length - 1; a >= 0; a -= 1) {
    const row = rows[a]
    for (let b = after.length - 1; b >= 0 && row; b -= 1) {
      row[b] =
        before[a] === after[b] ? lengthAt(rows, a + 1, b + 1) + 1 : Math.max(lengthAt(rows, a + 1, b), row[b + 1] ?? 0)
    }
  }
  return rows
}
