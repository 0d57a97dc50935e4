import {createHash, type Hash} from 'node:crypto'
import {closeSync, openSync, readdirSync, writeSync} from 'node:fs'
import {join} from 'node:path'
import {briefPath} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {whyUnreadable} from '../../core/input.js'
import type {ExecEvent, ExecSummary, JobCommand} from '../../exec/types.js'
import {createFile} from '../../process/create-file.js'
import {makeFolder} from '../../process/make-folder.js'

interface OpenFile {
  readonly name: string
  readonly handle: number
  readonly hash: Hash
  bytes: number
}

const ends = {stdout: 'out', merged: 'out', stderr: 'err'} as const

/** Writes the output of each node, byte for byte, to separate files, and finally a manifest of all files. */
export class NodeFiles implements Disposable {
  readonly #directory: string
  readonly #files = new Map<string, Map<string, OpenFile>>()

  /** Throws a UsageError if the directory cannot be created or is not empty. */
  constructor(directory: string) {
    this.#directory = directory
    try {
      makeFolder(directory, 0o777)
      if (readdirSync(directory).length === 0) return
    } catch (error) {
      throw new UsageError(`--output-dir: ${briefPath(directory)}: ${whyUnreadable(error)}`, {cause: error})
    }
    throw new UsageError(`--output-dir: ${briefPath(directory)} is not empty`, {hint: 'name a new directory'})
  }

  take(event: ExecEvent): void {
    if (event.type === 'output') this.#write(event.node, ends[event.stream], event.chunk)
  }

  /**
   * Writes `manifest.json`, which contains the command and, for each node, its outcome and its files with their sizes
   * and SHA-256.
   */
  finish(job: string, command: JobCommand, {verdict, nodes}: ExecSummary): void {
    const what = command.kind === 'script' ? {scriptBytes: command.script.length} : command
    const entries = nodes.map(result => {
      const files = [...(this.#files.get(result.node)?.values() ?? [])]
      return {...result, files: files.map(({name, bytes, hash}) => ({name, bytes, sha256: hash.copy().digest('hex')}))}
    })
    const manifest = {v: 1, job, command: what, verdict, nodes: entries}
    try {
      createFile(join(this.#directory, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
    } catch (error) {
      throw new UsageError(`--output-dir: cannot write ${briefPath(this.#directory)}: ${whyUnreadable(error)}`, {
        cause: error,
      })
    }
  }

  [Symbol.dispose](): void {
    for (const files of this.#files.values()) for (const {handle} of files.values()) closeSync(handle)
    this.#files.clear()
  }

  #write(node: string, end: 'out' | 'err', chunk: Buffer): void {
    const files = this.#files.get(node) ?? new Map<string, OpenFile>()
    this.#files.set(node, files)
    let file = files.get(end)
    if (!file) {
      const name = `${fileName(node)}.${end}`
      file = {name, handle: openSync(join(this.#directory, name), 'wx'), hash: createHash('sha256'), bytes: 0}
      files.set(end, file)
    }
    file.hash.update(chunk)
    file.bytes += chunk.length
    for (let at = 0; at < chunk.length; ) at += writeSync(file.handle, chunk, at)
  }
}

/**
 * Returns the file name for a node. Node names come from other machines, so characters that could lead to another
 * directory are encoded.
 */
const fileName = (node: string): string => encodeURIComponent(node).replace(/^\./, '%2E').slice(0, 200)
