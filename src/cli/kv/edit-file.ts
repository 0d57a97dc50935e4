import {rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {UsageError} from '../../core/errors.js'
import {InputTooLarge, readInputSync, valueInputBytes, whyUnreadable} from '../../core/input.js'
import {makeTemporaryFolder} from '../../core/temporary-folder.js'
import type {Clock} from '../../core/types.js'
import {startChild} from '../../process/child.js'

/** A value in a file that only this user can read. Disposing removes the file unless `keep` was called. */
export class EditFile implements Disposable {
  readonly path: string
  readonly #directory: string
  readonly #original: Buffer
  #isKept = false

  constructor(key: string, original: Buffer) {
    this.#original = original
    this.#directory = makeTemporaryFolder('baton-kv-edit-')
    // The file name ends like the key, because some editors choose their mode by the extension.
    const name = key.slice(key.lastIndexOf('/') + 1).replaceAll(/[^\w.-]/g, '_')
    this.path = join(this.#directory, name.replace(/^\.*/, '') || 'value')
    try {
      writeFileSync(this.path, original, {mode: 0o600})
    } catch (cause) {
      this[Symbol.dispose]()
      throw new UsageError(`temporary files: cannot write ${this.path}: ${whyUnreadable(cause)}`, {
        cause,
        hint: 'set TMPDIR to a directory with space',
      })
    }
  }

  /**
   * Returns the edited value. A final newline that the editor added is removed. Returns undefined if the file can no
   * longer be read, or has more than {@link valueInputBytes}.
   */
  read(): Buffer | undefined {
    const edited = readIfFile(this.path)
    if (!edited) return undefined
    const isAdded = edited.at(-1) === newline && this.#original.at(-1) !== newline
    return isAdded && edited.length > 1 ? edited.subarray(0, -1) : edited
  }

  /** Leaves the file in place. Returns its path. */
  keep(): string {
    this.#isKept = true
    return this.path
  }

  [Symbol.dispose](): void {
    if (!this.#isKept) rmSync(this.#directory, {recursive: true, force: true})
  }
}

const newline = 0x0a

function readIfFile(path: string): Buffer | undefined {
  try {
    return readInputSync(path, valueInputBytes)
  } catch (error) {
    if (error instanceof InputTooLarge) return undefined
    if (['ENOENT', 'EISDIR', 'EACCES', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return undefined
    }
    throw error
  }
}

/**
 * Runs an editor on a file in this terminal. The editor's command may have arguments, so /bin/sh runs it. Resolves with
 * the exit code.
 */
export async function runEditor(
  editor: string,
  path: string,
  {env, clock}: {readonly env: Readonly<Record<string, string>>; readonly clock: Clock},
): Promise<number> {
  const argv = ['/bin/sh', '-c', `${editor} "$1"`, editor, path] as const
  const child = await startChild({argv: [...argv], env, clock, stdin: 'inherit', output: 'inherit', shape: 'terminal'})
  return (await child.exited).code
}
