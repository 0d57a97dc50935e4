import {UsageError} from '../core/errors.js'

interface HclModule {
  readonly default?: {readonly parse: (text: string) => string}
  readonly parse?: (text: string) => string
}

/** Reads HCL 1 or JSON, with or without comments. Blocks arrive as arrays of objects. The parser is loaded when needed. */
export async function parseHcl(text: string, path: string): Promise<unknown> {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as unknown
    } catch {
      // JSON with comments is HCL.
    }
  }
  const loaded = (await import('js-hcl-parser')) as HclModule
  const parse = loaded.default?.parse ?? loaded.parse
  const json = parse?.(text) ?? ''
  try {
    return JSON.parse(json) as unknown
  } catch (error) {
    // The parser answers with its complaint instead of throwing it.
    const why = json.replace(/^unable to parse JSON: /, '').split('\n')[0] ?? ''
    throw new UsageError(`config: ${path}: ${why}`, {code: 'BATON_CONFIG', cause: error})
  }
}
