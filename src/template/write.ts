import {randomBytes} from 'node:crypto'
import {chmod, chown, copyFile, open, readFile, rename, rm, stat} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {BatonError, messageOf} from '../core/errors.js'
import {makeFolder} from '../process/make-folder.js'

/** Options for writing a file. */
export interface WriteOptions {
  /** Mode of the file. @default that of the file it replaces, or 0644 */
  readonly mode?: number
  /** Numeric owner and group. @default those of the file it replaces */
  readonly owner?: {readonly uid?: number; readonly gid?: number}
  /** True to create missing folders, with mode 0755. @default true */
  readonly createFolders?: boolean
  /** True to keep the old file beside the new one, as `NAME.bak`. @default false */
  readonly backup?: boolean
}

/** A new file, written beside the file that it will replace. */
export interface PreparedFile {
  readonly destination: string
  /** Path of the new file before it replaces the old one. */
  readonly temporary: string
  /** The old content; undefined if the file does not exist yet. */
  readonly before: Uint8Array | undefined
  /** Replaces the old file atomically. */
  commit(): Promise<void>
  /** Restores the old content after a commit. A file that did not exist before is not removed. */
  revert(): Promise<void>
  /** Removes the new file. */
  discard(): Promise<void>
}

/**
 * Writes new content to a file beside the destination and flushes it to disk. Resolves to undefined if the destination
 * already has this content, mode and owner, or if it does not exist and the content is empty. Rejects with a BatonError
 * that names the file.
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

/** True if the file does not have this content, mode and owner yet. */
export async function wouldChange(
  destination: string,
  bytes: Uint8Array,
  options: WriteOptions = {},
): Promise<boolean> {
  try {
    return (await plan(destination, bytes, options)) !== undefined
  } catch (error) {
    throw cannotWrite(destination, error)
  }
}

interface Plan {
  readonly attributes: Attributes
  readonly before: {readonly bytes: Buffer; readonly attributes: Attributes} | undefined
}

/** Returns how to write the file; undefined if nothing has to be done. */
async function plan(destination: string, bytes: Uint8Array, options: WriteOptions): Promise<Plan | undefined> {
  const found = await stat(destination).catch(ignoreMissing)
  // An empty text creates no file, as with consul-template.
  if (found === undefined) return bytes.length === 0 ? undefined : {attributes: wanted(options), before: undefined}
  // Reading a device may never end, and renaming would replace the device.
  if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a directory' : 'it is not a regular file')
  const old = {mode: found.mode & 0o7777, uid: found.uid, gid: found.gid}
  const attributes = wanted(options, old)
  const before = {bytes: await readFile(destination), attributes: old}
  const isEqual = attributes.mode === old.mode && attributes.uid === old.uid && attributes.gid === old.gid
  return isEqual && before.bytes.equals(bytes) ? undefined : {attributes, before}
}

const wanted = ({mode, owner}: WriteOptions, old?: Attributes): Attributes => ({
  mode: mode ?? old?.mode ?? 0o644,
  uid: owner?.uid ?? old?.uid,
  gid: owner?.gid ?? old?.gid,
})

async function prepare(
  destination: string,
  bytes: Uint8Array,
  options: WriteOptions,
): Promise<PreparedFile | undefined> {
  const planned = await plan(destination, bytes, options)
  if (planned === undefined) return undefined
  const {before} = planned
  if (options.createFolders !== false) makeFolder(dirname(destination), 0o755)
  const temporary = await writeBeside(destination, bytes, planned.attributes)
  const backup = options.backup === true && before !== undefined
  return {
    destination,
    temporary,
    before: before?.bytes,
    commit: () => commit({temporary, destination, backup}),
    discard: () => rm(temporary, {force: true}),
    async revert() {
      if (before) await rename(await writeBeside(destination, before.bytes, before.attributes), destination)
    },
  }
}

interface Attributes {
  readonly mode: number
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/** Writes a temporary file in the folder of the destination. */
async function writeBeside(destination: string, bytes: Uint8Array, {mode, uid, gid}: Attributes): Promise<string> {
  const suffix = randomBytes(6).toString('hex')
  const temporary = join(dirname(destination), `.${basename(destination)}.${suffix}.tmp`)
  try {
    await writeDurably(temporary, bytes)
    const own = await stat(temporary)
    if ((uid !== undefined && uid !== own.uid) || (gid !== undefined && gid !== own.gid)) {
      await chown(temporary, uid ?? own.uid, gid ?? own.gid)
    }
    // Changing the owner clears some bits of the mode, so the mode is set last.
    await chmod(temporary, mode)
    return temporary
  } catch (error) {
    await rm(temporary, {force: true})
    throw error
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
