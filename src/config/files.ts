import {briefPath} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import {readInput, whyUnreadable} from '../core/input.js'

export type Settings = Readonly<Record<string, unknown>>

/** Reads one settings file in JSON or YAML. Names may be written with `_` or `-`. */
export async function readSettingsFile(path: string): Promise<Settings> {
  let text: string
  try {
    text = (await readInput(path)).toString()
  } catch (error) {
    throw new UsageError(`config: cannot read ${briefPath(path)}: ${whyUnreadable(error)}`, {
      code: 'BATON_CONFIG',
      cause: error,
    })
  }
  const value = await parse(path, text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`config: ${path} does not hold an object of settings`, {code: 'BATON_CONFIG'})
  }
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key.replaceAll('_', '-'), field as unknown]))
}

async function parse(path: string, text: string): Promise<unknown> {
  try {
    if (path.endsWith('.json')) return JSON.parse(text) as unknown
    const {parse: parseYaml} = await import('yaml')
    return parseYaml(text) as unknown
  } catch (error) {
    const [why = ''] = String(error instanceof Error ? error.message : error).split('\n')
    throw new UsageError(`config: ${path}: ${why.replace(/:\s*$/, '')}`, {code: 'BATON_CONFIG', cause: error})
  }
}
