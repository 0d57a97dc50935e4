import {constants} from 'node:fs'
import {type FileHandle, open, readFile, rename} from 'node:fs/promises'
import {dirname} from 'node:path'
import {messageOf, UsageError} from '../../core/errors.js'

/**
 * An append-only file of JSON lines. Appends that arrive while the disk is busy are written and synced together, in
 * order. Opening the file removes an incomplete last line, which a crash may leave; the append of that line had not
 * resolved.
 */
export class RecordLog implements AsyncDisposable {
  readonly path: string
  #file: FileHandle
  #waiting: string[] = []
  #writing: Promise<void> | undefined
  #failure: unknown
  /** Number of lines in the file, including those that are being written. */
  lines: number

  private constructor(path: string, file: FileHandle, lines: number) {
    this.path = path
    this.#file = file
    this.lines = lines
  }

  /** Opens or creates the file. `records` are its complete lines, parsed. */
  static async open(path: string): Promise<{readonly log: RecordLog; readonly records: readonly unknown[]}> {
    const text = await readIfThere(path)
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    const records = parseLines(path, whole)
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    await file.truncate(Buffer.byteLength(whole))
    await file.close()
    const log = new RecordLog(path, await open(path, 'a', 0o600), records.length)
    if (text === '') await syncDirectory(path)
    return {log, records}
  }

  /** Resolves when these records and all earlier ones are on disk. After a failed write, every later call rejects. */
  append(records: readonly object[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    for (const record of records) this.#waiting.push(`${JSON.stringify(record)}\n`)
    this.lines += records.length
    // A write in progress may have begun before these records arrived, so they wait for the next write.
    this.#writing = (this.#writing ?? Promise.resolve()).then(() => this.#flush())
    return this.#writing
  }

  /**
   * Replaces the content of the file with these records, after all earlier appends. A crash leaves either the old or
   * the new content.
   */
  rewrite(records: () => readonly object[]): Promise<void> {
    this.#writing = (this.#writing ?? Promise.resolve()).then(() => this.#replace(records()))
    return this.#writing
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    const lines = this.#waiting
    this.#waiting = []
    try {
      await this.#file.appendFile(lines.join(''))
      await this.#file.datasync()
    } catch (error) {
      this.#failure = new UsageError(`${this.path}: cannot be written: ${messageOf(error)}`, {cause: error})
      throw this.#failure
    }
  }

  async #replace(records: readonly object[]): Promise<void> {
    await this.#flush()
    try {
      await this.#rewriteFile(records)
    } catch (error) {
      this.#failure = new UsageError(`${this.path}: cannot be written: ${messageOf(error)}`, {cause: error})
      throw this.#failure
    }
  }

  async #rewriteFile(records: readonly object[]): Promise<void> {
    const temporary = `${this.path}.new`
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.appendFile(records.map(record => `${JSON.stringify(record)}\n`).join(''))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, this.path)
    await syncDirectory(this.path)
    const old = this.#file
    this.#file = await open(this.path, 'a', 0o600)
    this.lines = records.length + this.#waiting.length
    await old.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing?.catch(() => undefined)
    await this.#file.close()
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return ''
    throw new UsageError(`${path}: cannot be read: ${code ?? messageOf(error)}`, {cause: error})
  }
}

function parseLines(path: string, text: string): readonly unknown[] {
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line, at) => {
    try {
      return JSON.parse(line) as unknown
    } catch (error) {
      throw new UsageError(`${path}: line ${at + 1} is not readable`, {
        cause: error,
        hint: 'move the file away to start again',
      })
    }
  })
}

/** After a file was renamed, the directory is synced as well, because a crash may otherwise undo the rename. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
