/** A change is compared line by line only if its number of old lines times its number of new lines is at most this. */
const mostCells = 4_000_000
const context = 3

type Mark = ' ' | '-' | '+'

/** Returns a unified diff of two texts; empty if they are equal. */
export function unifiedDiff(path: string, before: string, after: string): string {
  const lines = diffLines(toLines(before), toLines(after))
  const hunks = toHunks(lines)
  if (hunks.length === 0) return ''
  return `--- ${path}\n+++ ${path}\n${hunks.join('')}`
}

/** Splits a text into lines. Marks a last line that has no newline, as `diff` does. */
function toLines(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  return last === '' ? lines : [...lines, `${last}\n\\ No newline at end of file`]
}

function diffLines(a: readonly string[], b: readonly string[]): [Mark, string][] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1
  const middle = diffMiddle(a.slice(start, a.length - end), b.slice(start, b.length - end))
  const same = (lines: readonly string[]): [Mark, string][] => lines.map(line => [' ', line])
  return [...same(a.slice(0, start)), ...middle, ...same(a.slice(a.length - end))]
}

/**
 * Compares lines by their longest common subsequence. If the change is too large for that, returns all old lines as
 * removed and all new lines as added.
 */
function diffMiddle(a: readonly string[], b: readonly string[]): [Mark, string][] {
  if (a.length * b.length > mostCells) return [...marked('-', a), ...marked('+', b)]
  const width = b.length + 1
  const table = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number): number => table[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: [Mark, string][] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push([' ', a[i] ?? ''])
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      lines.push(['-', a[i] ?? ''])
      i += 1
    } else {
      lines.push(['+', b[j] ?? ''])
      j += 1
    }
  }
  return [...lines, ...marked('-', a.slice(i)), ...marked('+', b.slice(j))]
}

const marked = (mark: Mark, lines: readonly string[]): [Mark, string][] => lines.map(line => [mark, line])

function toHunks(lines: readonly (readonly [Mark, string])[]): string[] {
  const hunks: string[] = []
  let [oldLine, newLine] = [1, 1]
  let from = 0
  const isChange = (index: number): boolean => lines[index]?.[0] !== ' '
  while (from < lines.length) {
    let first = from
    while (first < lines.length && !isChange(first)) first += 1
    if (first === lines.length) break
    const begin = Math.max(from, first - context)
    let end = first
    for (let index = first; index < lines.length && index <= end + 2 * context; index += 1)
      if (isChange(index)) end = index
    const stop = Math.min(lines.length, end + 1 + context)
    oldLine += begin - from
    newLine += begin - from
    const part = lines.slice(begin, stop)
    const olds = part.filter(([mark]) => mark !== '+').length
    const news = part.filter(([mark]) => mark !== '-').length
    const range = (line: number, count: number): string => `${count === 0 ? line - 1 : line},${count}`
    hunks.push(
      `@@ -${range(oldLine, olds)} +${range(newLine, news)} @@\n${part.map(([mark, line]) => `${mark}${line}\n`).join('')}`,
    )
    oldLine += olds
    newLine += news
    from = stop
  }
  return hunks
}
