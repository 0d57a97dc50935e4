import {type ChildProcess, spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import type {Writable} from 'node:stream'
import type {Family} from '../family.js'
import {isOnPath} from '../search-path.js'
import {bashGuardian, nodeGuardian, releaseCommand} from './guardian-script.js'

/** One request of the release, ready to be sent by another process. */
export interface OrphanRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** The release of the lock after our death: its target as options of `http.request`, and the requests. Contains secrets. */
export interface OrphanRelease {
  readonly target: Readonly<Record<string, unknown>>
  readonly requests: readonly OrphanRequest[]
}

export interface GuardianOptions {
  readonly graceMs: number
  /** `NAME=value` that the child will have in its environment: finds it if we die at the moment of its start. */
  readonly marker: string
  /** The variable PATH: where bash is looked for. */
  readonly searchPath: string | undefined
  readonly release: OrphanRelease
  /** Called once, when the guardian could not be started again. */
  readonly onFailure: (why: string) => void
}

/** The guardian acts slightly after our own deadline, and only if we did not act. */
const laterMs = 200
const mostStarts = 3
const defaultPath = '/usr/local/bin:/usr/bin:/bin'

const toHundredths = (ms: number): number => Math.floor((ms + laterMs) / 10)

/**
 * A small process that keeps running after we die: then, or if we are stopped beyond a deadline, it stops the child
 * with everything it started; after our death it releases the lock as well. It has a session of its own, so that the
 * terminal's signals do not reach it, and receives secrets through its pipe alone. Restarted if it dies first.
 */
export class Guardian {
  readonly #options: GuardianOptions
  /** The latest line of each kind, sent again after a restart. */
  readonly #lines = new Map<string, string>()
  #process: ChildProcess | undefined
  readonly #searchPath: string
  readonly #release: string
  readonly #command: typeof bashGuardian | typeof nodeGuardian
  #starts = 0
  #isReleased = false

  constructor(options: GuardianOptions) {
    this.#options = options
    this.#searchPath = options.searchPath ?? defaultPath
    // Searched for up front: a failed start would be noticed only when the child already runs.
    this.#command = isOnPath('bash', this.#searchPath) ? bashGuardian : nodeGuardian
    const {target, requests} = options.release
    const encoded = requests.map(one => ({...one, body: Buffer.from(one.body).toString('base64')}))
    this.#lines.set('marked', options.marker)
    this.#release = Buffer.from(JSON.stringify({target, requests: encoded})).toString('base64')
    if (existsSync('/proc/uptime')) this.#start()
    else options.onFailure('this system has no /proc')
  }

  /** From now on this family is guarded. */
  watch(family: Family): void {
    const {rootPid, shape, marker} = family
    this.#send(shape, shape === 'group' ? String(rootPid) : `${rootPid} ${marker ?? ''}`)
  }

  /** Boot time, as in a hold's deadline. */
  deadline(deadline: {readonly termAtMs: number; readonly killAtMs: number}): void {
    this.#send('deadline', `${toHundredths(deadline.termAtMs)} ${toHundredths(deadline.killAtMs)}`)
  }

  /** Nothing of the family is left: its process IDs may be used again. */
  familyIsGone(): void {
    for (const verb of ['marked', 'group', 'terminal', 'deadline']) this.#lines.delete(verb)
    this.#write('gone')
  }

  /** The lock was released: the guardian ends. */
  released(): void {
    this.#isReleased = true
    this.#write('released')
    this.#process?.stdin?.end()
  }

  #send(verb: string, words: string): void {
    this.#lines.set(verb, words)
    this.#write(`${verb} ${words}`)
  }

  #write(line: string): void {
    if (this.#process?.stdin?.writable === true) this.#process.stdin.write(`${line}\n`)
  }

  #start(): void {
    this.#starts += 1
    const grace = String(Math.ceil(this.#options.graceMs / 10))
    const [file, ...words] = this.#command
    const guardian = spawn(file, [...words, grace, ...releaseCommand], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {PATH: this.#searchPath},
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
    guardian.once('exit', (code, signal) => handleEnd(`it ended with ${signal ?? code ?? 'nothing'}`))
    // A guardian that died takes its pipe with it; one that could not be started may have none.
    const pipe = guardian.stdin as Writable | null | undefined
    pipe?.on('error', () => {})
    guardian.unref()
    this.#write(this.#release)
    for (const [verb, rest] of this.#lines) this.#write(`${verb} ${rest}`)
  }
}
