import {readFile} from 'node:fs/promises'
import {UsageError} from '../core/errors.js'

/** Everything a stream has to say. */
export async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/**
 * The bytes a DATA argument stands for, by the convention of Consul's command line: `@FILE` is a file, `-` is stdin,
 * anything else is itself.
 */
export async function readDataArgument(text: string, stdin: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  if (text === '-') return readAll(stdin)
  if (!text.startsWith('@')) return Buffer.from(text)
  const path = text.slice(1)
  try {
    return await readFile(path)
  } catch (error) {
    throw new UsageError(`Failed to read file: ${whyUnreadable(path, error)}`, {cause: error})
  }
}

/** In the words of Go. */
function whyUnreadable(path: string, error: unknown): string {
  const {code, message} = error as NodeJS.ErrnoException
  if (code === 'EISDIR') return `read ${path}: is a directory`
  const why = {ENOENT: 'no such file or directory', EACCES: 'permission denied'}[code ?? '']
  return `open ${path}: ${why ?? message}`
}
