import {type ChildProcess, spawn} from 'node:child_process'
import {createInterface} from 'node:readline'
import type {Clock} from '../core/types.js'

export interface StageOptions {
  readonly clock: Clock
  readonly stdout: NodeJS.WritableStream
  /** Words that start baton, for `spawn`. */
  readonly baton: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** A command of the tour: started as typed, its lines shown with a label. */
export interface Actor {
  /** Its exit code; 128 and more for a signal. */
  readonly done: Promise<number>
  /** Resolves with the first line of output, of both streams, that matches. Rejects when it ends without. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  stop(): Promise<void>
}

interface Seen {
  readonly lines: string[]
  readonly waiting: Set<() => void>
  ended: boolean
}

/** Where the tour happens: real processes, one screen, and nothing left when the curtain falls. */
export class Stage implements AsyncDisposable {
  readonly #options: StageOptions
  readonly #actors = new Set<Actor>()

  constructor(options: StageOptions) {
    this.#options = options
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

  /** Starts `baton ...args`. The command line is shown exactly as it can be typed. */
  start(args: readonly string[], options: {readonly label?: string; readonly env?: StageOptions['env']} = {}): Actor {
    const {label, env = {}} = options
    const prefix = label === undefined ? '' : `[${label}] `
    this.say(`${prefix}$ baton ${args.map(quote).join(' ')}`)
    const [file, ...first] = this.#options.baton
    const child = spawn(file, [...first, ...args], {
      env: {...this.#options.env, ...env},
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const actor = this.#watch(child, line => this.say(`${prefix === '' ? '  ' : prefix}${line}`))
    this.#actors.add(actor)
    return actor
  }

  async run(args: readonly string[], options: Parameters<Stage['start']>[1] = {}): Promise<void> {
    const code = await this.start(args, options).done
    if (code !== 0) throw new Error(`baton ${args.join(' ')}: exit code ${code}`)
  }

  pause(ms: number): Promise<void> {
    return this.#options.clock.sleep(ms, this.#options.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#actors].map(actor => actor.stop()))
  }

  #watch(child: ChildProcess, show: (line: string) => void): Actor {
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
    const done = new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        seen.ended = true
        wake()
        resolve(code ?? (signal === null ? 0 : 128))
      })
    })
    return {
      done,
      line: pattern => firstLine(seen, pattern, this.signal),
      stop: async () => {
        if (seen.ended) return
        child.kill('SIGTERM')
        using _force = this.#options.clock.timer(5000, () => killGroup(child))
        await done.catch(() => undefined)
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
      else if (seen.ended) settle(() => reject(new Error(`a command ended without ${String(pattern)}`)))
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
    // Already gone.
  }
}

/** A line of the log shows its message and its own fields. */
function shorten(line: string): string {
  if (!line.startsWith('{"level":')) return line
  const {level: _level, time: _time, msg, ...fields} = JSON.parse(line) as Record<string, unknown>
  const words = Object.entries(fields).map(([name, value]) => ` ${name}=${String(value)}`)
  return `${String(msg)}${words.join('')}`
}

/** As a shell would need it. */
const quote = (word: string): string => (/^[\w@%+=:,./^-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
