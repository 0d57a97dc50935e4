import {stringifyConsulJson} from '../core/http/json-bigint.js'
import type {StatusLine} from './status-line.js'
import {WrittenStream} from './written-stream.js'

export interface OutputOptions {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly quiet: boolean
  readonly verbose: boolean
  /** The progress line, which is erased from the terminal before anything else is written to it. */
  readonly line: StatusLine
  /** Replaces the options that a text mentions by flags. */
  readonly phrase: (text: string) => string
}

/** Writes results to stdout, and messages about results to stderr. */
export class Output {
  readonly #options: OutputOptions
  readonly #stdout: WrittenStream

  constructor(options: OutputOptions) {
    this.#options = options
    this.#stdout = new WrittenStream(options.stdout, reason => this.error(`baton: stdout: ${reason}`))
    options.stderr.removeAllListeners('error')
    options.stderr.on('error', () => {})
  }

  /** Calls the listener when stdout can no longer be written, so that a command that only prints can end. */
  onClosed(listener: () => void): void {
    this.#stdout.onClosed(listener)
  }

  /**
   * Resolves when all output is written. Resolves with the reason if output could not be written,
   * otherwise with undefined.
   */
  settled(): Promise<string | undefined> {
    return this.#stdout.settled()
  }

  /** Writes a line of the result. */
  line(text: string): void {
    this.raw(`${text}\n`)
  }

  /** Writes a part of the result, byte for byte. */
  raw(data: string | Uint8Array): void {
    const {stdout, line} = this.#options
    if (stdout.isTTY) line.clear()
    stdout.write(data)
  }

  /** Writes one object, with 64-bit numbers as digits: indented for `--json`, on one line for `--ndjson`. */
  json(value: unknown, options: {readonly compact?: boolean} = {}): void {
    const text = stringifyConsulJson(value, options.compact === true ? undefined : 2)
    // JSON does not escape these control characters, but a terminal would interpret them.
    this.line(text.replaceAll(/[\u007f-\u009f]/gu, one => `\\u00${one.charCodeAt(0).toString(16)}`))
  }

  /** Reports progress on a terminal or with --verbose, but never with --quiet. */
  say(text: string): void {
    const {quiet, verbose, stderr} = this.#options
    if (!quiet && (verbose || stderr.isTTY)) this.#message(`baton: ${text}`)
  }

  /**
   * Prints a warning after which the command continues, on a terminal or not, but not with --quiet.
   */
  warn(text: string): void {
    if (!this.#options.quiet) this.#message(`baton: ${text}`)
  }

  /** Prints an error, even with --quiet. */
  error(text: string): void {
    this.#message(text)
  }

  #message(text: string): void {
    const {stderr, line, phrase} = this.#options
    line.clear()
    stderr.write(`${phrase(text)}\n`)
  }

  get isTty(): boolean {
    return this.#options.stdout.isTTY
  }
}
