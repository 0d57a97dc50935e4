import {readdirSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {briefPath} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import {readInput, whyUnreadable} from '../core/input.js'
import {parseHcl} from './hcl.js'

/**
 * Returns the path itself, or the files of a folder and its subfolders, in the order of their names. Links are
 * followed, even to folders. Names that begin with `..` are skipped, because Kubernetes keeps older versions of a mount
 * under such names.
 */
export function filesUnder(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path).filter(name => !name.startsWith('..'))
    return names.sort().flatMap(name => filesUnder(join(path, name)))
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** Reads one file: as YAML if its name says so, otherwise as HCL or JSON. HCL blocks become arrays of objects. */
export async function readConfigFile(path: string): Promise<unknown> {
  let text: string
  try {
    text = (await readInput(path)).toString()
  } catch (error) {
    throw unreadable(path, error)
  }
  if (!/\.ya?ml$/.test(path)) return parseHcl(text, path)
  const {parse: parseYaml} = await import('yaml')
  try {
    return parseYaml(text) as unknown
  } catch (error) {
    const [why = ''] = String(error instanceof Error ? error.message : error).split('\n')
    throw new UsageError(`config: ${path}: ${why}`, {code: 'BATON_CONFIG', cause: error})
  }
}

function unreadable(path: string, cause: unknown): UsageError {
  if (cause instanceof UsageError) return cause
  return new UsageError(`config: cannot read ${briefPath(path)}: ${whyUnreadable(cause)}`, {
    code: 'BATON_CONFIG',
    cause,
  })
}
