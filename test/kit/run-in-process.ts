import {EventEmitter} from 'node:events'
import {readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {Readable, Writable} from 'node:stream'
import {fileURLToPath} from 'node:url'
import {Script} from 'node:vm'
import type {CommandHost} from '../../src/cli/base-command.js'
import {documentedExits, undocumentedExit} from './documented-exits.js'
import {type CommandOptions, type CommandResult, cleanEnv} from './run-cli.js'
import {type OutputWait, waitForOutput} from './wait-for-output.js'

export interface InProcessOptions extends Pick<CommandOptions, 'env' | 'agent' | 'input'> {
  /** Error code with which every write to stdout fails, such as `EPIPE`. @default writes succeed */
  readonly stdoutFault?: 'EPIPE' | 'ENOSPC'
  /** Makes stdout and stderr a terminal with this many columns. @default neither is a terminal */
  readonly columns?: number
}

/** The result of `runInProcess`. */
export type InProcessResult = Omit<CommandResult, 'signalName' | 'exitCode'> & {readonly exitCode: number}

type Run = (argv: readonly string[], host: CommandHost) => Promise<number>
type Wrapper = (exports: object, require: NodeJS.Require, module: object, file: string) => void

const file = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
let loaded: Run | undefined

/** Loads the built bundle as the launcher does. Later calls return the bundle that the first call has loaded. */
function bundle(): Run {
  if (loaded) return loaded
  const wrapper = new Script(readFileSync(file, 'latin1'), {filename: file}).runInThisContext() as Wrapper
  const module = {exports: {} as {readonly run: Run}}
  wrapper(module.exports, createRequire(file), module, file)
  loaded = module.exports.run
  return loaded
}

/** A stream that stores all text that is written to it. */
class Kept extends Writable {
  readonly isTTY: boolean
  readonly columns: number | undefined
  readonly #chunks: Buffer[] = []
  readonly #fault: string | undefined

  constructor({columns}: InProcessOptions, fault?: string) {
    super()
    this.isTTY = columns !== undefined
    this.columns = columns
    this.#fault = fault
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (this.#fault !== undefined) {
      done(Object.assign(new Error(`${this.#fault}: the reason, write`), {code: this.#fault}))
      return
    }
    this.#chunks.push(chunk)
    done()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

/**
 * A command that runs in the test's own process. It must not start a child that uses its streams, because they are the
 * streams of the test. Disposing stops it as SIGTERM does.
 */
export class InProcessCommand implements AsyncDisposable {
  readonly name: string
  /** Rejects if help does not name the exit code. */
  readonly exited: Promise<InProcessResult>
  hasEnded = false
  readonly #stdout: Kept
  readonly #stderr: Kept
  readonly #signals = new EventEmitter()

  constructor(args: readonly string[], options: InProcessOptions) {
    this.name = `baton ${args.join(' ')}`
    this.#stdout = new Kept(options, options.stdoutFault)
    this.#stderr = new Kept(options)
    this.exited = this.#run(args, options)
    this.exited.catch(() => undefined)
  }

  /** The output so far. */
  get stdout(): string {
    return this.#stdout.bytes.toString()
  }
  get stderr(): string {
    return this.#stderr.bytes.toString()
  }

  /** Has the effect of the signal on a command that handles it. A command that does not handle it continues. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#signals.emit(signal)
  }

  /** Resolves with the match. Rejects at once if the command ends without such output. */
  waitForOutput(pattern: RegExp, options: OutputWait = {}): Promise<RegExpExecArray> {
    return waitForOutput(this, pattern, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.exited.catch(() => undefined)
  }

  async #run(args: readonly string[], options: InProcessOptions): Promise<InProcessResult> {
    const stdin = Readable.from(options.input === undefined ? [] : [Buffer.from(options.input)])
    try {
      const exitCode = await bundle()(args, {
        env: cleanEnv(options),
        stdin: stdin as unknown as NodeJS.ReadStream,
        isStdinTerminal: false,
        stdout: this.#stdout as unknown as NodeJS.WriteStream,
        stderr: this.#stderr as unknown as NodeJS.WriteStream,
        signals: this.#signals,
      })
      const {stdout, stderr} = this
      const wrongExit = undocumentedExit(this.name, {exitCode, stderr}, documentedExits(args, options.env))
      if (wrongExit) throw wrongExit
      return {stdout, stderr, stdoutBytes: this.#stdout.bytes, exitCode}
    } finally {
      this.hasEnded = true
    }
  }
}

/** Starts `baton ...args` from the built bundle in the test's own process, which avoids the start of a process. */
export const startInProcess = (args: readonly string[], options: InProcessOptions = {}): InProcessCommand =>
  new InProcessCommand(args, options)

/** Runs `baton ...args` in the test's own process to its end. Rejects if help does not name the exit code. */
export const runInProcess = (args: readonly string[], options: InProcessOptions = {}): Promise<InProcessResult> =>
  startInProcess(args, options).exited
