import {filesUnder, readConfigFile} from './config-files.js'
import {type PrefixSettings, type Translation, translate} from './replicate-schema.js'

const mergedLists = [
  'prefix',
  'exclude',
  'exclude-match',
  'exclude-glob',
  'exclude-regex',
  'include',
  'include-glob',
  'include-regex',
]

/**
 * Reads consul-replicate's configuration in HCL, JSON or YAML, as settings by flag name. Reads one file, or all files
 * of a folder in the order of their names. Lists of prefixes and excludes are joined; of every other setting, the last
 * value is used.
 */
export async function readReplicateConfig(path: string, flagNames: readonly string[]): Promise<Translation> {
  const merged: Record<string, unknown> = {}
  const warnings: string[] = []
  const prefixes: PrefixSettings[] = []
  for (const file of filesUnder(path)) {
    const translation = translate(await readConfigFile(file), {path: file, flagNames})
    warnings.push(...translation.warnings)
    prefixes.push(...translation.prefixes)
    for (const [name, value] of Object.entries(translation.settings)) {
      const earlier = mergedLists.includes(name) ? merged[name] : undefined
      merged[name] = earlier === undefined ? value : [earlier, value].flat()
    }
  }
  return {settings: merged, warnings, prefixes}
}
