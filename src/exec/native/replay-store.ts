import {type FileHandle, open, readFile, rename, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {parseObject} from './envelope.js'

/** Name of the record of jobs in the state directory. */
export const replayFile = 'replay.jsonl'

/** Records on disk which jobs have begun, so that no job runs twice, even after a crash. */
export interface ReplayStore extends AsyncDisposable {
  has(id: string): boolean
  /**
   * Records that the job begins. Resolves when the entry is on disk, and only then may the job run. The entry is kept
   * until `untilMs`; after that, the job is refused as expired.
   */
  begin(id: string, untilMs: number): Promise<void>
  /** Records that the job has ended. A job without this entry is in {@link unfinished} after a restart. */
  finish(id: string): Promise<void>
  /** Jobs that an earlier process began but did not finish. */
  readonly unfinished: ReadonlySet<string>
}

interface Mark {
  readonly untilMs: number
  isFinished: boolean
}

/**
 * Returns the jobs in the record, or an empty set if the directory has no record. Does not change the record, because
 * another process may be using it.
 */
export async function readReplayed(directory: string): Promise<ReadonlySet<string>> {
  return new Set(parseMarks(await readFile(join(directory, replayFile), 'utf8').catch(emptyIfMissing)).keys())
}

/**
 * Opens the record, which has one line for each entry. Ignores an incomplete last line, which a crash may leave. The
 * directory must exist.
 */
export async function openReplayStore(directory: string, nowMs: number): Promise<ReplayStore> {
  const path = join(directory, replayFile)
  const marks = parseMarks(await readFile(path, 'utf8').catch(emptyIfMissing))
  for (const [id, mark] of marks) if (mark.untilMs < nowMs && mark.isFinished) marks.delete(id)
  await rewrite(directory, path, marks)
  const unfinished = new Set([...marks].filter(([, mark]) => !mark.isFinished).map(([id]) => id))
  return new FileReplayStore(await open(path, 'a', 0o600), marks, unfinished)
}

class FileReplayStore implements ReplayStore {
  readonly unfinished: ReadonlySet<string>
  readonly #file: FileHandle
  readonly #marks: Map<string, Mark>
  #closing: Promise<void> | undefined

  constructor(file: FileHandle, marks: Map<string, Mark>, unfinished: ReadonlySet<string>) {
    this.#file = file
    this.#marks = marks
    this.unfinished = unfinished
  }

  has(id: string): boolean {
    return this.#marks.has(id)
  }

  async begin(id: string, untilMs: number): Promise<void> {
    this.#marks.set(id, {untilMs, isFinished: false})
    await this.#append({id, until: untilMs})
  }

  async finish(id: string): Promise<void> {
    const mark = this.#marks.get(id)
    if (!mark || mark.isFinished) return
    mark.isFinished = true
    await this.#append({id, until: mark.untilMs, end: true})
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#file.close()
    return this.#closing
  }

  async #append(line: object): Promise<void> {
    await this.#file.appendFile(`${JSON.stringify(line)}\n`)
    await this.#file.sync()
  }
}

const emptyIfMissing = (error: NodeJS.ErrnoException): string => {
  if (error.code === 'ENOENT') return ''
  throw error
}

function parseMarks(text: string): Map<string, Mark> {
  const marks = new Map<string, Mark>()
  for (const line of text.split('\n')) {
    const {id, until, end} = parseObject(Buffer.from(line)) ?? {}
    if (typeof id !== 'string' || typeof until !== 'number') continue
    marks.set(id, {untilMs: until, isFinished: end === true})
  }
  return marks
}

/** Removes old entries. Syncs the new file before it replaces the old one, so that a crash cannot lose an entry. */
async function rewrite(directory: string, path: string, marks: ReadonlyMap<string, Mark>): Promise<void> {
  const lines = [...marks].map(([id, {untilMs, isFinished}]) =>
    JSON.stringify({id, until: untilMs, ...(isFinished && {end: true})}),
  )
  const temporary = `${path}.new`
  // A crash may have left the temporary file, and another user may have replaced it with a link. 'wx' never opens an
  // existing file.
  await rm(temporary, {force: true})
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(lines.map(line => `${line}\n`).join(''))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  const folder = await open(directory, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
