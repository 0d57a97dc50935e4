import {randomBytes} from 'node:crypto'
import {chmod, chown, copyFile, open, readFile, rename, rm, stat} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {BatonError, messageOf} from '../core/errors.js'
import {makeFolder} from '../process/make-folder.js'

/** How a file is written. */
export interface WriteOptions {
  /** Its mode. @default that of the file it replaces, or 0644 */
  readonly mode?: number
  /** Owner and group by number. @default those of the file it replaces */
  readonly owner?: {readonly uid?: number; readonly gid?: number}
  /** True to make missing folders, with mode 0755. @default true */
  readonly createFolders?: boolean
  /** True to keep the file that is replaced beside it, as `NAME.bak`. @default false */
  readonly backup?: boolean
}

/** A file that lies ready beside the one it will replace. */
export interface PreparedFile {
  readonly destination: string
  /** The path of the new content. */
  readonly temporary: string
  /** Puts the new file into its place: from then on it is there as a whole. */
  commit(): Promise<void>
  /** Removes it. */
  discard(): Promise<void>
}

/**
 * Writes new content beside a file. Gives undefined if the file has this content and mode already, or
 * if it does not exist and the content is empty. What is written is on
 * disk before it can replace anything. Rejects with a BatonError that names the file.
 */
export async function prepareFile(
  destination: string,
  bytes: Uint8Array,
  options: WriteOptions = {},
): Promise<PreparedFile | undefined> {
  try {
    return await prepare(destination, bytes, options)
  } catch (error) {
    throw cannotWrite(destination, error)
  }
}

function cannotWrite(destination: string, error: unknown): BatonError {
  return new BatonError('BATON_REFUSED', `${destination}: cannot be written: ${messageOf(error)}`, {
    cause: error,
    details: {destination},
  })
}

async function prepare(
  destination: string,
  bytes: Uint8Array,
  options: WriteOptions,
): Promise<PreparedFile | undefined> {
  const before = await stat(destination).catch(ignoreMissing)
  // An empty text makes no new file, as with consul-template.
  if (before === undefined && bytes.length === 0) return undefined
  const mode = options.mode ?? (before === undefined ? 0o644 : before.mode & 0o7777)
  const uid = options.owner?.uid ?? before?.uid
  const gid = options.owner?.gid ?? before?.gid
  if (before !== undefined && (before.mode & 0o7777) === mode && before.uid === uid && before.gid === gid) {
    if (before.size === bytes.length && Buffer.compare(await readFile(destination), bytes) === 0) return undefined
  }
  if (options.createFolders !== false) makeFolder(dirname(destination), 0o755)
  const suffix = randomBytes(6).toString('hex')
  const temporary = join(dirname(destination), `.${basename(destination)}.${suffix}.tmp`)
  try {
    await writeDurably(temporary, bytes)
    await chmod(temporary, mode)
    const own = await stat(temporary)
    if ((uid !== undefined && uid !== own.uid) || (gid !== undefined && gid !== own.gid)) {
      await chown(temporary, uid ?? own.uid, gid ?? own.gid)
    }
  } catch (error) {
    await rm(temporary, {force: true})
    throw error
  }
  const backup = options.backup === true && before !== undefined
  return {
    destination,
    temporary,
    commit: () => commit({temporary, destination, backup}),
    discard: () => rm(temporary, {force: true}),
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function commit(given: {temporary: string; destination: string; backup: boolean}): Promise<void> {
  const {temporary, destination, backup} = given
  try {
    if (backup) await copyFile(destination, `${destination}.bak`)
    await rename(temporary, destination)
  } catch (error) {
    await rm(temporary, {force: true})
    throw cannotWrite(destination, error)
  }
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
