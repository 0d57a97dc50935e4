/**
 * Returns the first setting to which one block of HCL or JSON assigns a single value twice, or undefined if there is
 * none. The parser would keep the last value and silently drop the first, which may be an exclude that protects keys.
 * Lists and blocks that are given twice are not reported, because the parser joins them.
 */
export function findDuplicate(text: string): string | undefined {
  const blocks: Set<string>[] = [new Set()]
  let name: string | undefined
  let isValueNext = false
  for (const [token] of text.matchAll(tokens)) {
    if (isSkipped(token)) continue
    if (token === '=' || token === ':') isValueNext = name !== undefined
    else if (token === '{' || token === '[') {
      blocks.push(new Set())
      name = undefined
      isValueNext = false
    } else if (token === '}' || token === ']') {
      if (blocks.length > 1) blocks.pop()
      name = undefined
      isValueNext = false
    } else if (isValueNext && name !== undefined) {
      const names = blocks.at(-1)
      if (names?.has(name)) return name
      names?.add(name)
      name = undefined
      isValueNext = false
    } else name = /^[A-Za-z_"]/.test(token) ? token.replaceAll('"', '') : undefined
  }
  return undefined
}

/** Matches one comment, here-document, string, punctuation mark or word. */
const tokens =
  /#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|<<-?(\w+)\n[\s\S]*?\n\s*\1(?=\n|$)|"(?:\\[\s\S]|[^"\\])*"|[{}[\]=:,]|[^\s{}[\]=:,"#]+/g

const isSkipped = (token: string): boolean => /^(?:#|\/\/|\/\*|,$)/.test(token)
