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
  /** The content that will be replaced; undefined if there is no file yet. */
  readonly before: Uint8Array | undefined
  /** Puts the new file into its place: from then on it is there as a whole. */
  commit(): Promise<void>
  /** Puts the replaced content back, after it was committed. A file that is new stays. */
  revert(): Promise<void>
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

/** True if a file does not have this content, mode and owner yet. */
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

/** What to write; undefined if there is nothing to do. */
async function plan(destination: string, bytes: Uint8Array, options: WriteOptions): Promise<Plan | undefined> {
  const found = await stat(destination).catch(ignoreMissing)
  // An empty text makes no new file, as with consul-template.
  if (found === undefined) return bytes.length === 0 ? undefined : {attributes: wanted(options), before: undefined}
  // To read a device need not end, and to rename over one would replace it.
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

/** Writes a temporary file in the folder of a file. */
async function writeBeside(destination: string, bytes: Uint8Array, {mode, uid, gid}: Attributes): Promise<string> {
  const suffix = randomBytes(6).toString('hex')
  const temporary = join(dirname(destination), `.${basename(destination)}.${suffix}.tmp`)
  try {
    await writeDurably(temporary, bytes)
    const own = await stat(temporary)
    if ((uid !== undefined && uid !== own.uid) || (gid !== undefined && gid !== own.gid)) {
      await chown(temporary, uid ?? own.uid, gid ?? own.gid)
    }
    // A change of the owner takes away some bits of the mode.
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
