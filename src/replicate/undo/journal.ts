import {createHash, randomBytes} from 'node:crypto'
import {appendFileSync, constants, existsSync} from 'node:fs'
import {appendFile, readdir, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {messageOf} from '../../core/errors.js'
import type {Clock, Logger} from '../../core/types.js'
import {makeFolder} from '../../process/make-folder.js'
import {formatMapping} from '../mapping.js'
import type {ReplicaEntry} from '../plan/plan.js'
import type {Mapping} from '../types.js'
import {encodeHeader, encodeLine, type JournalHeader} from './journal-lines.js'

/** An entry that a pass is about to overwrite or delete. */
export interface Overwritten {
  readonly key: string
  readonly before: Pick<ReplicaEntry, 'value' | 'flags'>
  /** The new content; undefined for a delete. */
  readonly after: {readonly value: Uint8Array; readonly flags: bigint} | undefined
  /** ModifyIndex of the source key that the pass copies; 0 for a delete. */
  readonly sourceIndex: bigint
}

export interface JournalOptions {
  readonly directory: string
  readonly keepMs: number
  readonly maxBytes: number
  /** Address of the destination. */
  readonly address: string
  readonly clock: Clock
  readonly logger: Logger
}

const chunkSize = 500
/**
 * Passes that begin within this time of each other share a file. If a mapping is followed in parts, each
 * change is a pass.
 */
const shareMs = 10_000
/** Minimum time between two searches for old files. */
const pruneEveryMs = 60_000
/**
 * Without O_CREAT, because a file that another process has removed must not be created again without its header line.
 */
const append = constants.O_APPEND | constants.O_WRONLY
/** Suffix of the names of journal files. The names contain the ID of the pass. */
export const journalSuffix = '.undo'

/** A shorter text is appended synchronously, because handing it to another thread costs more than the write. */
const longText = 64 * 1024

async function appendText(path: string, text: string): Promise<void> {
  if (text.length < longText) appendFileSync(path, text, {flag: append as unknown as string})
  else await appendFile(path, text, {flag: append})
}

export const hashOf = (value: Uint8Array, flags: bigint): string =>
  createHash('sha256').update(`${flags} `).update(value).digest('hex')

/**
 * Stores the entries that passes overwrite and delete in a directory, so that they can be restored. Passes
 * that begin soon after each other share a file. Only this user can read the files. A file is removed when it
 * is too old; if the total size is too large, the oldest files are removed.
 */
export class UndoJournal {
  readonly #options: JournalOptions
  #isReported = false
  #turn: Promise<void> = Promise.resolve()
  readonly #open = new Map<string, {readonly path: string; readonly untilMs: number}>()
  #pruneAtMs = Number.NEGATIVE_INFINITY
  /** Approximate size of all files. */
  #bytes = 0

  constructor(options: JournalOptions) {
    this.#options = options
  }

  /**
   * Resolves when the entries are stored. If they cannot be stored, logs that once and resolves, so that the
   * pass continues.
   */
  keep(mapping: Mapping, changes: readonly Overwritten[]): Promise<void> {
    if (changes.length === 0) return Promise.resolve()
    this.#turn = this.#turn.then(() => this.#tryToKeep(mapping, changes))
    return this.#turn
  }

  async #tryToKeep(mapping: Mapping, changes: readonly Overwritten[]): Promise<void> {
    try {
      await this.#write(mapping, changes)
      this.#isReported = false
    } catch (error) {
      if (!this.#isReported) {
        const fields = {component: 'replicate', directory: this.#options.directory, problem: messageOf(error)}
        this.#options.logger.warn(fields, 'what is overwritten and deleted cannot be kept: it cannot be undone')
      }
      this.#isReported = true
    }
  }

  async #write(mapping: Mapping, changes: readonly Overwritten[]): Promise<void> {
    const {directory, clock, maxBytes} = this.#options
    const bytes = changes.reduce((sum, {before, key}) => sum + before.value.length * 1.4 + key.length + 200, 0)
    const nowMs = clock.monotonicMs()
    if (nowMs >= this.#pruneAtMs || this.#bytes + bytes > maxBytes) {
      makeFolder(directory, 0o700)
      this.#bytes = await this.#prune(bytes)
      this.#pruneAtMs = nowMs + pruneEveryMs
      this.#open.clear()
    }
    this.#bytes += bytes
    if (bytes > maxBytes) throw new Error(`a pass overwrites more than the limit of ${maxBytes} bytes`)
    const path = await this.#openFile(mapping)
    for (let at = 0; at < changes.length; at += chunkSize) {
      const lines = changes
        .slice(at, at + chunkSize)
        .map(({key, before, after, sourceIndex}) =>
          encodeLine({key, ...before, written: after && hashOf(after.value, after.flags), sourceIndex}),
        )
      await appendText(path, lines.join(''))
    }
  }

  /** Returns the file of a pass that begins now. */
  async #openFile(mapping: Mapping): Promise<string> {
    const {directory, clock, address} = this.#options
    const name = formatMapping(mapping)
    const open = this.#open.get(name)
    if (open && clock.monotonicMs() < open.untilMs && existsSync(open.path)) return open.path
    const atMs = clock.wallMs()
    const pass = `${atMs.toString(36)}${randomBytes(2).toString('hex')}`
    const header: JournalHeader = {pass, mapping, address, atMs}
    const path = join(directory, `${pass}${journalSuffix}`)
    makeFolder(directory, 0o700)
    await appendFile(path, encodeHeader(header), {mode: 0o600})
    this.#open.set(name, {path, untilMs: clock.monotonicMs() + shareMs})
    return path
  }

  /** Removes old files. Returns the size of the remaining ones. */
  async #prune(needed: number): Promise<number> {
    const {directory, keepMs, maxBytes, clock} = this.#options
    const files: {readonly path: string; readonly size: number; readonly atMs: number}[] = []
    for (const name of (await readdir(directory)).filter(each => each.endsWith(journalSuffix))) {
      const path = join(directory, name)
      const {size, mtimeMs} = await stat(path)
      files.push({path, size, atMs: mtimeMs})
    }
    files.sort((a, b) => a.atMs - b.atMs)
    let total = files.reduce((sum, {size}) => sum + size, needed)
    for (const {path, size, atMs} of files) {
      if (atMs >= clock.wallMs() - keepMs && total <= maxBytes) continue
      await rm(path, {force: true})
      total -= size
    }
    return total - needed
  }
}
