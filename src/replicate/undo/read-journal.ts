import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {messageOf, UsageError} from '../../core/errors.js'
import {journalSuffix} from './journal.js'
import {decodeHeader, decodeLine, type JournalHeader, type JournalLine} from './journal-lines.js'

/** A pass whose changes can be undone. */
export interface JournalPass extends JournalHeader {
  readonly lines: readonly JournalLine[]
}

/**
 * Returns the passes recorded in a directory, oldest first. Skips files that are not journal files. Returns
 * none if the directory does not exist.
 */
export async function readJournal(directory: string): Promise<readonly JournalPass[]> {
  const passes: JournalPass[] = []
  for (const name of await namesIn(directory)) {
    const [first = '', ...rest] = (await readFile(join(directory, name), 'utf8')).split('\n')
    const header = decodeHeader(first)
    if (header) passes.push({...header, lines: rest.flatMap(line => decodeLine(line) ?? [])})
  }
  return passes.sort((a, b) => a.atMs - b.atMs)
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter(name => name.endsWith(journalSuffix))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new UsageError(`cannot read ${directory}: ${reasonOf(error)}`, {code: 'BATON_CONFIG', cause: error})
  }
}

const reasonOf = (error: unknown): string => {
  const {code} = error as NodeJS.ErrnoException
  return {ENOTDIR: 'it is not a directory', EACCES: 'permission denied'}[code ?? ''] ?? messageOf(error)
}
