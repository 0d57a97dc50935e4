import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {documentedExits, type ExitLabels, undocumentedExit} from './documented-exits.js'
import {currentMarker, markerName} from './marker.js'
import {guardGroup, killQuietly} from './process-guard.js'
import {processGroup} from './processes.js'
import {type OutputWait, waitForOutput} from './wait-for-output.js'
import {waitUntil} from './wait-until.js'

/** The launcher that users run. */
export const cliPath = fileURLToPath(new URL('../../bin/run.cjs', import.meta.url))

/** How tests start commands. `BATON_TEST_COMMAND` names a different baton, such as the one-file build. */
const launch: readonly [string, ...string[]] = process.env['BATON_TEST_COMMAND']
  ? [process.env['BATON_TEST_COMMAND']]
  : [process.execPath, cliPath]

export interface CommandOptions {
  /**
   * Variables for the command. Its environment contains no other variables CONSUL_* and BATON_*, and none of the test
   * runner's. `undefined` removes a variable.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The agent whose address becomes CONSUL_HTTP_ADDR, unless `env` contains that variable. */
  readonly agent?: {readonly address: string}
  /** Written to stdin, which is then closed. */
  readonly input?: string | Uint8Array
  /** Leaves stdin open, for `handle.stdin`. @default false */
  readonly keepStdin?: boolean
  readonly cwd?: string
  /** Kills the process group. */
  readonly signal?: AbortSignal
  /** False to start the command in the test's own process group. @default true */
  readonly detached?: boolean
  /** The allowed exit codes; the promise rejects for any other. Only for baton's own commands. */
  readonly exitCodes?: ExitLabels | undefined
}

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  /** `stdout` as bytes, for output that is not text. */
  readonly stdoutBytes: Buffer
  /** Null if a signal ended the command. */
  readonly exitCode: number | null
  readonly signalName: NodeJS.Signals | null
}

/** Matches a warning or deprecation of Node itself, which users would see. */
const nodesOwn = /^\(node:\d+\) .*$/m

/**
 * Variables that would change a command or its start. `NODE_EXTRA_CA_CERTS`, for instance, doubles the start-up time.
 */
const runnersOwn =
  /^(CONSUL_|BATON_|VITEST|npm_|NODE_OPTIONS$|NODE_EXTRA_CA_CERTS$|NODE_ENV$|TEST$|PROD$|DEV$|MODE$|BASE_URL$|FORCE_COLOR$)/

let directory: string | undefined

/**
 * Returns variables that keep commands of tests away from the settings, keys and state of the user who runs them. Each
 * test file has its own directory, so that keys of responders in other files are unknown.
 */
function ownDirectories(): Readonly<Record<string, string>> {
  directory ??= mkdtempSync(join(process.env['BATON_TEST_HOME'] ?? tmpdir(), 'baton-test-home-'))
  return {XDG_CONFIG_HOME: join(directory, 'config'), XDG_STATE_HOME: join(directory, 'state')}
}

export function cleanEnv(options: CommandOptions = {}): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !runnersOwn.test(name))
  const address = options.agent ? {CONSUL_HTTP_ADDR: options.agent.address} : {}
  const all = {
    ...Object.fromEntries(inherited),
    [markerName]: currentMarker(),
    ...(options.env?.['HOME'] === undefined && ownDirectories()),
    ...address,
    ...options.env,
  }
  const isSet = (entry: [string, string | undefined]): entry is [string, string] => entry[1] !== undefined
  return Object.fromEntries(Object.entries(all).filter(isSet))
}

/** A running command. Disposing kills the rest of its process group, and waits until all processes have exited. */
export class CommandHandle implements AsyncDisposable {
  /**
   * Resolves when the process has exited and its pipes are closed. A child that still holds the pipes open delays that.
   * Rejects if Node wrote a warning to stderr.
   */
  readonly exited: Promise<CommandResult>
  /** Resolves when the process itself has exited, even if a child still holds its pipes. */
  readonly processExit: Promise<void>
  readonly #child: ChildProcess
  readonly name: string
  readonly #detached: boolean
  readonly #stdout: Buffer[] = []
  readonly #stderr: Buffer[] = []
  hasEnded = false

  constructor(file: string, args: readonly string[], options: CommandOptions = {}) {
    this.name = [file, ...args].join(' ')
    this.#detached = options.detached ?? true
    const spawnOptions = {env: cleanEnv(options), detached: this.#detached, ...(options.cwd ? {cwd: options.cwd} : {})}
    const child = spawn(file, args, {...spawnOptions, stdio: ['pipe', 'pipe', 'pipe']})
    this.#child = child
    child.stdout.on('data', (chunk: Buffer) => this.#stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk))
    // A command that exits without reading its input must not make the test fail.
    child.stdin.on('error', () => undefined)
    if (options.input !== undefined) child.stdin.write(options.input)
    if (!options.keepStdin) child.stdin.end()
    const guard = this.#detached && child.pid !== undefined ? guardGroup(child.pid) : undefined
    const abort = (): void => this.killGroup('SIGKILL')
    options.signal?.addEventListener('abort', abort, {once: true})
    this.processExit = new Promise(resolve => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (exitCode, signalName) => {
        this.hasEnded = true
        guard?.[Symbol.dispose]()
        options.signal?.removeEventListener('abort', abort)
        const stdoutBytes = Buffer.concat(this.#stdout)
        const warning = nodesOwn.exec(this.stderr)
        const {stderr} = this
        const wrongExit =
          exitCode === null ? undefined : undocumentedExit(this.name, {exitCode, stderr}, options.exitCodes)
        if (wrongExit) reject(wrongExit)
        else if (warning) reject(new Error(`${this.name}: Node wrote on stderr: ${warning[0]}`))
        else resolve({stdout: stdoutBytes.toString(), stderr, stdoutBytes, exitCode, signalName})
      })
    })
    this.exited.catch(() => undefined)
  }

  /** ID of the process and, with the default `detached`, also of its process group. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name}: could not be started`)
    return this.#child.pid
  }
  get stdin(): NonNullable<ChildProcess['stdin']> {
    return this.#child.stdin!
  }
  /** The output so far. */
  get stdout(): string {
    return Buffer.concat(this.#stdout).toString()
  }
  get stderr(): string {
    return Buffer.concat(this.#stderr).toString()
  }

  /** Sends a signal only to the command, as `kill PID` does. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#child.kill(signal)
  }
  /** Sends a signal to the whole process group, as Ctrl-C in a terminal does. */
  killGroup(signal: NodeJS.Signals = 'SIGINT'): void {
    if (this.#detached && this.#child.pid !== undefined) killQuietly(-this.#child.pid, signal)
    else this.#child.kill(signal)
  }

  /** Resolves with the match. Rejects at once if the command exits without such output. */
  waitForOutput(pattern: RegExp, options: OutputWait = {}): Promise<RegExpExecArray> {
    return waitForOutput(this, pattern, options)
  }

  /** Closes the reading end of the command's stdout, as `head` does when it has read enough. */
  closeStdout(): void {
    this.#child.stdout?.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.killGroup('SIGKILL')
    await this.processExit
    if (this.#detached && process.platform === 'linux' && this.#child.pid !== undefined)
      await waitUntil(() => processGroup(this.pid).length === 0, {what: `the group of ${this.name} to be gone`})
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
    if (nodesOwn.test(this.stderr)) throw new Error(`${this.name}: Node wrote on stderr:\n${this.stderr}`)
    await this.exited.catch(() => undefined)
  }
}

export const startCommand = (file: string, args: readonly string[], options: CommandOptions = {}): CommandHandle =>
  new CommandHandle(file, args, options)

/** Runs a command to its end. Any exit code is a result; the promise rejects if the command cannot be started. */
export const runCommand = (
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> => new CommandHandle(file, args, options).exited

/** Runs `baton ...args` from the built bundle. Its promise rejects if help does not name the exit code. */
export const startCli = (args: readonly string[], options: CommandOptions = {}): CommandHandle =>
  new CommandHandle(launch[0], [...launch.slice(1), ...args], {
    ...options,
    exitCodes: documentedExits(args, options.env),
  })

export const runCli = (args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  startCli(args, options).exited
