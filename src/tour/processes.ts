import {type ChildProcess, spawn} from 'node:child_process'
import {createInterface} from 'node:readline'
import {listenForAbort} from '../core/cancel/listen-for-abort.js'
import type {Clock} from '../core/types.js'

export interface TourProcessesOptions {
  readonly clock: Clock
  readonly stdout: NodeJS.WritableStream
  /** The program and its first arguments with which `spawn` starts baton. */
  readonly baton: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Working directory of the commands. @default that of this process */
  readonly cwd?: string
}

/** A running command of the tour. Its output is shown line by line with a label. */
export interface TourProcess {
  /**
   * Resolves with the exit code, or with 128 if a signal ended the command. Rejects with the signal's reason if the
   * tour is stopped before.
   */
  readonly done: Promise<number>
  /**
   * Resolves with the first line of stdout or stderr that matches. Rejects if the process ends without such a
   * line.
   */
  line(pattern: RegExp): Promise<RegExpExecArray>
  stop(): Promise<void>
}

interface Seen {
  readonly lines: string[]
  readonly waiting: Set<() => void>
  ended: boolean
}

/**
 * Runs the tour's processes, shows their output on one screen, and stops all of them when it is
 * disposed.
 */
export class TourProcesses implements AsyncDisposable {
  readonly #options: TourProcessesOptions
  readonly #started = new Set<TourProcess>()

  /** Never resolves. Rejects when the tour is stopped. */
  readonly #stopped: Promise<never>

  constructor(options: TourProcessesOptions) {
    this.#options = options
    this.#stopped = new Promise((_, reject) => {
      listenForAbort(options.signal, () => reject(options.signal.reason))
    })
    this.#stopped.catch(() => {})
  }

  get signal(): AbortSignal {
    return this.#options.signal
  }

  say(text = ''): void {
    this.#options.stdout.write(`${text}\n`)
  }

  title(text: string): void {
    this.say(`\n── ${text} ${'─'.repeat(Math.max(4, 72 - text.length))}`)
  }

  /** Starts `baton ...args`, and shows the command line in the form in which a user can type it. */
  start(
    args: readonly string[],
    options: {readonly label?: string; readonly env?: TourProcessesOptions['env']} = {},
  ): TourProcess {
    const {label, env = {}} = options
    this.signal.throwIfAborted()
    const prefix = label === undefined ? '' : `[${label}] `
    this.say(`${prefix}$ baton ${args.map(quote).join(' ')}`)
    const [file, ...first] = this.#options.baton
    const child = spawn(file, [...first, ...args], {
      env: {...this.#options.env, ...env},
      cwd: this.#options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const started = this.#watch(child, line => this.say(`${prefix === '' ? '  ' : prefix}${line}`))
    this.#started.add(started)
    return started
  }

  async run(args: readonly string[], options: Parameters<TourProcesses['start']>[1] = {}): Promise<void> {
    const code = await this.start(args, options).done
    if (code !== 0) throw new Error(`baton ${args.join(' ')}: exit code ${code}`)
  }

  pause(ms: number): Promise<void> {
    return this.#options.clock.sleep(ms, this.#options.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#started].map(one => one.stop()))
  }

  #watch(child: ChildProcess, show: (line: string) => void): TourProcess {
    const seen: Seen = {lines: [], waiting: new Set(), ended: false}
    const wake = (): void => seen.waiting.forEach(check => check())
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue
      createInterface({input: stream}).on('line', line => {
        seen.lines.push(line)
        show(shorten(line))
        wake()
      })
    }
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        seen.ended = true
        wake()
        resolve(code ?? (signal === null ? 0 : 128))
      })
    })
    const done = Promise.race([ended, this.#stopped])
    // A command that the tour does not wait for, such as a replicator, is only stopped.
    done.catch(() => {})
    return {
      done,
      line: pattern => firstLine(seen, pattern, this.signal),
      stop: async () => {
        if (seen.ended) return
        child.kill('SIGTERM')
        using _force = this.#options.clock.timer(5000, () => killGroup(child))
        await ended.catch(() => undefined)
      },
    }
  }
}

function firstLine(seen: Seen, pattern: RegExp, signal: AbortSignal): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      seen.waiting.delete(check)
      signal.removeEventListener('abort', check)
      act()
    }
    const check = (): void => {
      for (const line of seen.lines) {
        const match = pattern.exec(line)
        if (match) {
          settle(() => resolve(match))
          return
        }
      }
      if (signal.aborted) settle(() => reject(signal.reason))
      else if (seen.ended) {
        const last = seen.lines.slice(-3).join(' | ')
        settle(() => reject(new Error(`a command ended without ${String(pattern)}; its last lines: ${last}`)))
      }
    }
    seen.waiting.add(check)
    signal.addEventListener('abort', check)
    check()
  })
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The process has already ended.
  }
}

/** Shows a JSON log line as its message and its own fields. */
function shorten(line: string): string {
  if (!line.startsWith('{"level":')) return line
  const {level: _level, time: _time, msg, ...fields} = JSON.parse(line) as Record<string, unknown>
  const texts = Object.entries(fields).map(([name, value]) => ` ${name}=${String(value)}`)
  return `${String(msg)}${texts.join('')}`
}

/** Quotes an argument for a shell. */
const quote = (word: string): string => (/^[\w@%+=:,./^-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
