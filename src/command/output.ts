import {stringifyConsulJson} from '../core/http/json-bigint.js'

export interface OutputOptions {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly quiet: boolean
  readonly verbose: boolean
}

/** stdout is for results, stderr for everything said about them. */
export class Output {
  readonly #options: OutputOptions

  constructor(options: OutputOptions) {
    this.#options = options
    // A reader that went away (`baton kv ls | head`) is no failure of ours.
    for (const stream of [options.stdout, options.stderr]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error
      })
    }
  }

  /** A line of the result. */
  line(text: string): void {
    this.raw(`${text}\n`)
  }

  /** Part of the result, byte for byte. */
  raw(data: string | Uint8Array): void {
    this.#options.stdout.write(data)
  }

  /** One object, 64-bit numbers as raw digits. Pretty for `--json`, one line each for `--ndjson`. */
  json(value: unknown, options: {readonly compact?: boolean} = {}): void {
    this.line(stringifyConsulJson(value, options.compact === true ? undefined : 2))
  }

  /** What baton does, for people: only on a terminal or with --verbose, never with --quiet. */
  say(text: string): void {
    const {quiet, verbose, stderr} = this.#options
    if (!quiet && (verbose || stderr.isTTY)) stderr.write(`baton: ${text}\n`)
  }

  /** Something people must know although the command goes on. Not silenced by a pipe, only by --quiet. */
  warn(text: string): void {
    if (!this.#options.quiet) this.#options.stderr.write(`baton: ${text}\n`)
  }

  /** Always shown. */
  error(text: string): void {
    this.#options.stderr.write(`${text}\n`)
  }

  get isTty(): boolean {
    return this.#options.stdout.isTTY
  }
}
