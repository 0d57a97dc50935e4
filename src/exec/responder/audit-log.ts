import {createHash} from 'node:crypto'
import {type FileHandle, open, rename, stat} from 'node:fs/promises'
import {messageOf} from '../../core/errors.js'
import {misplaced} from '../native/foreign-writers.js'
import type {Manifest} from '../native/manifest.js'
import type {JobCommand} from '../types.js'
import {refuseLink} from './state-directory.js'

/** Name of the audit log in the state directory. */
export const auditFile = 'audit.jsonl'
const maxBytes = 10 * 1024 * 1024
const keptFiles = 5
/** Maximum length of a text in the log. The hash of a command always covers the whole command. */
const maxTextLength = 1000

/** The command of a job, in the form in which the audit log contains it. */
interface AuditedCommand {
  readonly kind: JobCommand['kind']
  /** SHA-256 of the line, of the JSON of the arguments, or of the script. */
  readonly sha256: string
  /** The line, or the JSON of the arguments, shortened; undefined for scripts. */
  readonly text?: string
}

/** One line of the audit log, without its time. */
export interface AuditEntry {
  readonly verdict: 'refused' | 'allowed' | 'started' | 'finished' | 'interrupted' | 'cancel-refused'
  readonly job: string
  readonly code?: string
  readonly reason?: string
  /** IDs of the keys whose signatures were verified; absent if the job was refused before that. */
  readonly signers?: readonly string[]
  /** Sender of the job, according to the job itself. */
  readonly requester?: Manifest['requester']
  readonly command?: AuditedCommand
  readonly exit?: number
  readonly signal?: string
  readonly outputBytes?: number
  readonly droppedBytes?: number
  readonly ranMs?: number
}

export function auditCommand(command: JobCommand): AuditedCommand {
  const {kind} = command
  const bytes = kind === 'script' ? command.script : kind === 'shell' ? command.line : JSON.stringify(command.argv)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return {kind, sha256, ...(typeof bytes === 'string' && {text: bytes.slice(0, maxTextLength)})}
}

/**
 * Appends lines of JSON to a file that only its owner can read. A file that exceeds 10 MiB is renamed to `.1`, and five
 * old files are kept. If the file was moved away, a new one is created.
 */
export class AuditLog implements AsyncDisposable {
  readonly #path: string
  #file: FileHandle
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** Rejects with BATON_CONFIG if the file cannot be opened or is a symbolic link. */
  static async open(path: string): Promise<AuditLog> {
    await refuseLink(path)
    try {
      return new AuditLog(path, await openForAppend(path))
    } catch (error) {
      throw misplaced('state', `${path}: ${messageOf(error)}`)
    }
  }

  /** Resolves when the operating system has accepted the line. Rejects if the line cannot be written. */
  write(nowMs: number, entry: AuditEntry): Promise<void> {
    const line = `${JSON.stringify({v: 1, t: new Date(nowMs).toISOString(), ...entry}, shortened)}\n`
    const written = this.#writing.then(() => this.#append(line))
    this.#writing = written.catch(() => {})
    return written
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #append(line: string): Promise<void> {
    const own = await this.#file.stat()
    const named = await stat(this.#path).catch(() => undefined)
    const isMoved = named?.ino !== own.ino
    if (isMoved || own.size > maxBytes) {
      await this.#file.close()
      if (!isMoved) await this.#shift()
      this.#file = await openForAppend(this.#path)
    }
    await this.#file.appendFile(line)
  }

  async #shift(): Promise<void> {
    for (let at = keptFiles - 1; at >= 1; at -= 1) {
      await rename(`${this.#path}.${at}`, `${this.#path}.${at + 1}`).catch(() => {})
    }
    await rename(this.#path, `${this.#path}.1`)
  }
}

/** Shortens texts that a job states about itself, so that one job cannot push all others out of the log. */
const shortened = (_key: string, value: unknown): unknown =>
  typeof value === 'string' && value.length > maxTextLength ? `${value.slice(0, maxTextLength)}…` : value

const openForAppend = (path: string): Promise<FileHandle> => open(path, 'a', 0o600)
