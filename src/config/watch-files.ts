import {filesUnder, readConfigFile} from './config-files.js'

/** The `watches` setting of one file, not checked yet. */
export interface WatchFile {
  readonly path: string
  readonly watches: unknown
}

/** Matches the files of a folder that may contain watches, because an agent's folder also contains other files. */
const readable = /\.(?:json|hcl|ya?ml)$/

/**
 * Reads the `watches` setting of an agent's configuration in HCL, JSON or YAML. Reads one file, or the files of a
 * folder that may contain watches, in the order of their names. Ignores other settings, and files in a folder that
 * contain no watches.
 */
export async function readWatchFiles(path: string): Promise<readonly WatchFile[]> {
  const files = filesUnder(path)
  const isFolder = files.length !== 1 || files[0] !== path
  const found: WatchFile[] = []
  for (const file of isFolder ? files.filter(name => readable.test(name)) : files) {
    const settings = await readConfigFile(file)
    const watches =
      typeof settings === 'object' && settings !== null && 'watches' in settings ? settings.watches : undefined
    if (watches !== undefined || !isFolder) found.push({path: file, watches})
  }
  return found.length > 0 ? found : [{path, watches: undefined}]
}
