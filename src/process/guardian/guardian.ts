import {type ChildProcess, spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import type {Writable} from 'node:stream'
import type {Family} from '../family.js'
import {findOnPath} from '../search-path.js'
import {bashWords, nodeGuardian, releaseCommand} from './guardian-script.js'

/** One request of the release, ready to be sent by another process. */
export interface OrphanRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * How the lock is released after baton has died: the options of `http.request` for the agent, and the
 * requests. Contains secrets.
 */
export interface OrphanRelease {
  readonly target: Readonly<Record<string, unknown>>
  readonly requests: readonly OrphanRequest[]
}

export interface GuardianOptions {
  readonly graceMs: number
  /**
   * `NAME=value` in the environment of the child. The guardian process finds the child by it if baton dies while
   * starting the child.
   */
  readonly marker: string
  /** The value of the variable PATH, by which bash is found. */
  readonly searchPath: string | undefined
  readonly release: OrphanRelease
  /** Called at most once, if the guardian process cannot run or has ended too often. */
  readonly onFailure: (why: string) => void
}

/** Time that baton has after a deadline to act by itself, before the guardian acts. */
const laterMs = 200
const mostStarts = 3
const defaultPath = '/usr/local/bin:/usr/bin:/bin'
/** Length of each line after the first two. Shorter lines end in spaces, so that bash can read a whole line at once. */
const lineLength = 40
/** Without these variables, bash reads the user's entry in the password database at each start. */
const bashLooksUp = {HOME: '/', SHELL: '/bin/sh'}

const toHundredths = (ms: number): number => Math.floor((ms + laterMs) / 10)

/**
 * A small process that continues after baton has ended. If baton dies, it stops the child with all its descendants and
 * releases the lock; if baton is suspended beyond a deadline, it only stops the child. It has its own Unix session, so
 * that signals of the terminal do not reach it. It receives secrets only through its pipe. If it dies, it is restarted.
 */
export class Guardian {
  readonly #options: GuardianOptions
  /**
   * The latest line of each kind that was sent to the guardian process, which receives them again if it is restarted.
   */
  readonly #lines = new Map<string, string>()
  #process: ChildProcess | undefined
  readonly #searchPath: string
  /** The first two lines of the guardian process's input. */
  readonly #facts: string
  readonly #command: readonly [string, ...string[]]
  #starts = 0
  #isReleased = false

  constructor(options: GuardianOptions) {
    this.#options = options
    this.#searchPath = options.searchPath ?? defaultPath
    // The PATH is searched for bash beforehand, because a failed start of bash would be noticed only after
    // the child was started.
    const bash = findOnPath('bash', this.#searchPath)
    this.#command = bash === undefined ? nodeGuardian : [bash, ...bashWords]
    const {target, requests} = options.release
    const encoded = requests.map(one => ({...one, body: Buffer.from(one.body).toString('base64')}))
    this.#lines.set('marked', '')
    const release = Buffer.from(JSON.stringify({target, requests: encoded})).toString('base64')
    this.#facts = `${release}\n${options.marker}\n`
    if (existsSync('/proc/uptime')) this.#start()
    else options.onFailure('this system has no /proc')
  }

  /** Guards a child and its descendants (the family) from now on. */
  watch(family: Family): void {
    this.#send(family.shape, String(family.rootPid))
  }

  /** Moves the deadline of the hold. The times are in milliseconds since boot. */
  deadline(deadline: {readonly termAtMs: number; readonly killAtMs: number}): void {
    this.#send('deadline', `${toHundredths(deadline.termAtMs)} ${toHundredths(deadline.killAtMs)}`)
  }

  /** Stops guarding the family, because none of its processes is left and their IDs may be reused. */
  familyIsGone(): void {
    for (const verb of ['marked', 'group', 'terminal', 'deadline']) this.#lines.delete(verb)
    this.#write('gone')
  }

  /** Ends the guardian process, because the lock was released. */
  released(): void {
    this.#isReleased = true
    this.#write('released')
    this.#process?.stdin?.end()
  }

  #send(verb: string, words: string): void {
    this.#lines.set(verb, words)
    this.#write(`${verb} ${words}`)
  }

  #write(...lines: readonly string[]): void {
    this.#writeText(lines.map(line => `${line.padEnd(lineLength - 1)}\n`).join(''))
  }

  #writeText(text: string): void {
    if (this.#process?.stdin?.writable === true) this.#process.stdin.write(text)
  }

  #start(): void {
    this.#starts += 1
    const grace = String(Math.ceil(this.#options.graceMs / 10))
    const [file, ...words] = this.#command
    const length = String(Buffer.byteLength(this.#facts))
    const guardian = spawn(file, [...words, grace, length, ...releaseCommand], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {PATH: this.#searchPath, ...bashLooksUp},
    })
    this.#process = guardian
    let isOver = false
    const handleEnd = (why: string): void => {
      if (isOver || this.#isReleased) return
      isOver = true
      this.#process = undefined
      if (this.#starts < mostStarts) this.#start()
      else this.#options.onFailure(why)
    }
    guardian.once('error', error => handleEnd(error.message))
    guardian.once('exit', (code, signal) => handleEnd(`it ended with ${signal ?? code ?? 'an unknown status'}`))
    // The pipe is closed if the guardian process has died, and missing if it could not be started.
    const pipe = guardian.stdin as Writable | null | undefined
    pipe?.on('error', () => {})
    guardian.unref()
    this.#writeText(this.#facts)
    this.#write(...[...this.#lines].map(([verb, rest]) => `${verb} ${rest}`))
  }
}
