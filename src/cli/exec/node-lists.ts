import {briefPath} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {inputLimitBytes, readInput, readStream, whyUnreadable} from '../../core/input.js'
import {expandNodes} from '../../exec/node-set.js'

/**
 * Returns the names in lists of nodes. `@FILE` stands for the lists in a file, which has one or more lists on each line
 * and comments after `#`; `@-` stands for the lists on stdin.
 */
export async function readNodeLists(
  lists: readonly string[],
  {flag, stdin}: {readonly flag: string; readonly stdin: () => NodeJS.ReadableStream},
): Promise<readonly string[]> {
  const names: string[] = []
  for (const list of lists) {
    const content = list.startsWith('@') ? withoutComments(await readList(list.slice(1), {flag, stdin})) : list
    const found = expandNodes(content)
    if (found.length === 0) throw new UsageError(`--${flag}: '${briefPath(list)}' names no node`)
    names.push(...found)
  }
  return [...new Set(names)]
}

const withoutComments = (content: string): string => content.replaceAll(/#.*/g, '')

async function readList(
  path: string,
  {flag, stdin}: {readonly flag: string; readonly stdin: () => NodeJS.ReadableStream},
): Promise<string> {
  try {
    const bytes = path === '-' ? await readStream(stdin(), inputLimitBytes) : await readInput(path)
    return bytes.toString()
  } catch (error) {
    throw new UsageError(`--${flag}: cannot read ${briefPath(path)}: ${whyUnreadable(error)}`, {cause: error})
  }
}
