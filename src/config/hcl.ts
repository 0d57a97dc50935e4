import {UsageError} from '../core/errors.js'
import {findDuplicate} from './hcl-duplicates.js'

/** Parses HCL 1, or JSON with or without comments. Blocks become arrays of objects. */
export async function parseHcl(text: string, path: string): Promise<unknown> {
  const duplicate = findDuplicate(text)
  if (duplicate !== undefined) {
    throw new UsageError(`config: ${path}: '${duplicate}' is given twice`, {
      code: 'BATON_CONFIG',
      hint: 'write several values as a list: ["a", "b"]',
    })
  }
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as unknown
    } catch {
      // Not plain JSON, so the text is parsed as HCL below.
    }
  }
  const {default: hcl} = await import('js-hcl-parser')
  const json = hcl.parse(text)
  try {
    return JSON.parse(json) as unknown
  } catch (error) {
    // The parser returns its error as a message instead of throwing it.
    const why = json.replace(/^unable to parse JSON: /, '').split('\n')[0] ?? ''
    throw new UsageError(`config: ${path}: ${why}`, {code: 'BATON_CONFIG', cause: error})
  }
}
