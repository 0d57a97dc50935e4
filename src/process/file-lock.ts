import {spawn} from 'node:child_process'
import {constants} from 'node:fs'
import {type FileHandle, open} from 'node:fs/promises'
import {messageOf, UsageError} from '../core/errors.js'

/** An exclusive lock on a file. The kernel releases it when the process ends, however it ends. */
export interface FileLock extends AsyncDisposable {
  readonly path: string
}

/** O_EXLOCK and O_NONBLOCK of the BSDs and macOS, for which Node has no names. */
const bsdExclusive = 0x20 | 0x4

/**
 * Locks a file. Resolves to undefined if another process holds the lock; {@link readHolder} names it. Rejects with a
 * UsageError if the file cannot be written. The release does not delete the file.
 */
export async function lockFile(path: string): Promise<FileLock | undefined> {
  const handle = process.platform === 'linux' ? await lockOnLinux(path) : await lockOnBsd(path)
  if (!handle) return undefined
  try {
    await handle.truncate(0)
    await handle.write(`${process.pid}\n`, 0)
  } catch (error) {
    await handle.close()
    const {code} = error as NodeJS.ErrnoException
    throw new UsageError(`${path}: cannot be written: ${code ?? messageOf(error)}`, {cause: error})
  }
  let closing: Promise<void> | undefined
  return {
    path,
    [Symbol.asyncDispose]: () => {
      closing ??= handle.close()
      return closing
    },
  }
}

/**
 * Resolves to the ID of the process that holds the lock, as written in the lock file. For messages.
 */
export async function readHolder(path: string): Promise<string> {
  const handle = await open(path, 'r')
  try {
    return (await handle.readFile('utf8')).trim()
  } finally {
    await handle.close()
  }
}

const readWrite = constants.O_RDWR | constants.O_CREAT

/**
 * Locks with the command `flock`, because Node has no flock(2). The lock belongs to the open file, which this
 * process keeps open after the command has exited.
 */
async function lockOnLinux(path: string): Promise<FileHandle | undefined> {
  const handle = await open(path, readWrite, 0o600)
  const code = await new Promise<number | null>((resolve, reject) => {
    const helper = spawn('flock', ['-n', '-x', '3'], {stdio: ['ignore', 'ignore', 'ignore', handle.fd]})
    helper.once('error', reject)
    helper.once('exit', resolve)
  }).catch(async (error: unknown) => {
    await handle.close()
    throw new UsageError(`${path}: cannot be locked: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
      cause: error,
      hint: 'the flock command of util-linux is needed',
    })
  })
  if (code === 0) return handle
  await handle.close()
  return undefined
}

async function lockOnBsd(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, readWrite | bsdExclusive, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}
