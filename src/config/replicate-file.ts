import {readdirSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {UsageError} from '../core/errors.js'
import {parseHcl} from './hcl.js'
import {type Translation, translate} from './replicate-schema.js'

const mergedLists = ['prefix', 'exclude', 'exclude-match']

/**
 * Reads consul-replicate's configuration, HCL, JSON or YAML, from a file or from all files of a folder in the order of
 * their names, as settings by the names of flags. Lists of prefixes and excludes add up; of other settings the last one counts.
 */
export async function readReplicateConfig(path: string, flagNames: readonly string[]): Promise<Translation> {
  const merged: Record<string, unknown> = {}
  const warnings: string[] = []
  for (const file of filesUnder(path)) {
    const translation = translate(await parse(file), {path: file, flagNames})
    warnings.push(...translation.warnings)
    for (const [name, value] of Object.entries(translation.settings)) {
      const earlier = mergedLists.includes(name) ? merged[name] : undefined
      merged[name] = earlier === undefined ? value : [earlier, value].flat()
    }
  }
  return {settings: merged, warnings}
}

/** Links are followed, to folders too. Names that begin with `..` are how Kubernetes keeps older versions of a mount. */
function filesUnder(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path).filter(name => !name.startsWith('..'))
    return names.sort().flatMap(name => filesUnder(join(path, name)))
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function parse(path: string): Promise<unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
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
  const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
  return new UsageError(`config: cannot read ${path}: ${why}`, {code: 'BATON_CONFIG', cause})
}
