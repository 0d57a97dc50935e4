import {createHash, randomBytes} from 'node:crypto'
import {constants, existsSync} from 'node:fs'
import {appendFile, readdir, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {messageOf} from '../../core/errors.js'
import type {Clock, Logger} from '../../core/types.js'
import {makeFolder} from '../../process/make-folder.js'
import {formatMapping} from '../mapping.js'
import type {ReplicaEntry} from '../plan/plan.js'
import type {Mapping} from '../types.js'
import {encodeHeader, encodeLine, type JournalHeader} from './journal-lines.js'

/** What a pass is about to overwrite or delete. */
export interface Overwritten {
  readonly key: string
  readonly before: Pick<ReplicaEntry, 'value' | 'flags'>
  /** What is written; undefined for a delete. */
  readonly after: {readonly value: Uint8Array; readonly flags: bigint} | undefined
  /** ModifyIndex of the source key that is written; 0 for a delete. */
  readonly sourceIndex: bigint
}

export interface JournalOptions {
  readonly directory: string
  readonly keepMs: number
  readonly maxBytes: number
  /** Of the destination. */
  readonly address: string
  readonly clock: Clock
  readonly logger: Logger
}

const chunkSize = 500
/** Passes that begin within this time have one file: where parts are followed, each change is a pass. */
const shareMs = 10_000
/** A look at all files takes time. */
const pruneEveryMs = 60_000
/** A file that another process has removed is not made again without its first line. */
const append = constants.O_APPEND | constants.O_WRONLY
/** Files of a journal are named for their passes. */
export const journalSuffix = '.undo'

export const hashOf = (value: Uint8Array, flags: bigint): string =>
  createHash('sha256').update(`${flags} `).update(value).digest('hex')

/**
 * Keeps what passes overwrite and delete in a directory, one file for passes that begin together, so that it can be restored. Only this
 * user can read the files. They are removed when they are too old, and the oldest ones when they are too large together.
 */
export class UndoJournal {
  readonly #options: JournalOptions
  #isReported = false
  #turn: Promise<void> = Promise.resolve()
  readonly #open = new Map<string, {readonly path: string; readonly untilMs: number}>()
  #pruneAtMs = Number.NEGATIVE_INFINITY
  /** The size of all files, about. */
  #bytes = 0

  constructor(options: JournalOptions) {
    this.#options = options
  }

  /** Resolves when all of it is kept. If it cannot be kept, that is logged once, and the pass goes on. */
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
    makeFolder(directory, 0o700)
    const bytes = changes.reduce((sum, {before, key}) => sum + before.value.length * 1.4 + key.length + 200, 0)
    const nowMs = clock.monotonicMs()
    if (nowMs >= this.#pruneAtMs || this.#bytes + bytes > maxBytes) {
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
      await appendFile(path, lines.join(''), {flag: append})
    }
  }

  /** Returns the file of a pass that begins now. Passes that begin soon after each other have the same. */
  async #openFile(mapping: Mapping): Promise<string> {
    const {directory, clock, address} = this.#options
    const name = formatMapping(mapping)
    const open = this.#open.get(name)
    if (open && clock.monotonicMs() < open.untilMs && existsSync(open.path)) return open.path
    const atMs = clock.wallMs()
    const pass = `${atMs.toString(36)}${randomBytes(2).toString('hex')}`
    const header: JournalHeader = {pass, mapping, address, atMs}
    const path = join(directory, `${pass}${journalSuffix}`)
    await appendFile(path, encodeHeader(header), {mode: 0o600})
    this.#open.set(name, {path, untilMs: clock.monotonicMs() + shareMs})
    return path
  }

  /** Returns the size of what is left. */
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
