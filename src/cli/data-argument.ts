import {readFile, readlink} from 'node:fs/promises'
import {briefPath} from '../core/brief.js'
import {messageOf, UsageError} from '../core/errors.js'
import {readInput, readStream, valueInputBytes} from '../core/input.js'

/** Reads stdin to its end. Throws a UsageError if stdin is closed or has more than `limitBytes`. */
export async function readStdin(
  stdin: AsyncIterable<Uint8Array | string>,
  limitBytes = valueInputBytes,
): Promise<Buffer> {
  if (await isClosed(stdin)) throw new UsageError('Failed to read stdin: it is closed')
  try {
    return await readStream(stdin, limitBytes)
  } catch (error) {
    throw new UsageError(`Failed to read stdin: ${messageOf(error)}`, {cause: error})
  }
}

/**
 * Reads the bytes of a DATA argument by the convention of Consul's command line: `@FILE` is a file, `-` is stdin,
 * anything else is the data itself. Throws a UsageError if a file or stdin cannot be read, or has more than
 * `limitBytes`.
 */
export async function readDataArgument(
  text: string,
  stdin: AsyncIterable<Uint8Array | string>,
  limitBytes = valueInputBytes,
): Promise<Buffer> {
  if (text === '-') return readStdin(stdin, limitBytes)
  if (!text.startsWith('@')) return Buffer.from(text)
  const path = text.slice(1)
  try {
    return await readInput(path, limitBytes)
  } catch (error) {
    throw new UsageError(`Failed to read file: ${whyUnreadable(path, error)}`, {cause: error})
  }
}

/**
 * Resolves with true if the process was started with a closed stdin. In that case Node opens /dev/null for reading and
 * writing, whereas a shell opens `</dev/null` only for reading. The difference can be detected only on Linux.
 */
async function isClosed(stdin: AsyncIterable<unknown> & {readonly fd?: number}): Promise<boolean> {
  if (stdin.fd !== 0) return false
  try {
    const facts = await readFile('/proc/self/fdinfo/0', 'utf8')
    return /^flags:\s*\d*2$/m.test(facts) && (await readlink('/proc/self/fd/0')) === '/dev/null'
  } catch {
    return false
  }
}

/** Returns the reason why a file cannot be read, in Go's words. */
function whyUnreadable(path: string, error: unknown): string {
  const {code, message} = error as NodeJS.ErrnoException
  if (code === 'EISDIR') return `read ${briefPath(path)}: is a directory`
  const why = {ENOENT: 'no such file or directory', EACCES: 'permission denied'}[code ?? '']
  return `open ${briefPath(path)}: ${why ?? message}`
}
