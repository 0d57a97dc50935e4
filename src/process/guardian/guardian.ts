import {type ChildProcess, spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import type {Writable} from 'node:stream'
import type {Family} from '../family.js'
import {isOnPath} from '../search-path.js'
import {bashGuardian, nodeGuardian, releaseScript} from './guardian-script.js'

/** One request of the release, ready to be sent by somebody else. */
export interface OrphanRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What gives the lock back after our death: where to, in the words of `http.request`, and what. Holds secrets. */
export interface OrphanRelease {
  readonly target: Readonly<Record<string, unknown>>
  readonly requests: readonly OrphanRequest[]
}

export interface GuardianOptions {
  readonly graceMs: number
  /** `NAME=value` that the child will have in its environment: finds it when we die in the moment of its start. */
  readonly marker: string
  /** The variable PATH: where bash is looked for. */
  readonly searchPath: string | undefined
  readonly release: OrphanRelease
  /** Called once when there is no guardian any more. */
  readonly onFailure: (why: string) => void
}

/** It comes into play later than we do: only when we did not act. */
const laterMs = 200
const mostStarts = 3
const defaultPath = '/usr/local/bin:/usr/bin:/bin'

const toHundredths = (ms: number): number => Math.floor((ms + laterMs) / 10)

/**
 * A small process that outlives us for one purpose: when we die, or stand still beyond a deadline, it stops the child
 * with everything it started; after our death it gives the lock back as well. It has a session of its own, so that the
 * terminal's signals do not reach it, and learns secrets through its pipe alone. Restarted when it dies first.
 */
export class Guardian {
  readonly #options: GuardianOptions
  /** The newest line of each kind, told again after a restart. */
  readonly #told = new Map<string, string>()
  #process: ChildProcess | undefined
  readonly #searchPath: string
  readonly #release: string
  readonly #command: typeof bashGuardian | typeof nodeGuardian
  #starts = 0
  #isReleased = false

  constructor(options: GuardianOptions) {
    this.#options = options
    this.#searchPath = options.searchPath ?? defaultPath
    // Looked for, not tried: a failure would come too late, when the child is there already.
    this.#command = isOnPath('bash', this.#searchPath) ? bashGuardian : nodeGuardian
    const {target, requests} = options.release
    const encoded = requests.map(one => ({...one, body: Buffer.from(one.body).toString('base64')}))
    this.#told.set('marked', options.marker)
    this.#release = Buffer.from(JSON.stringify({target, requests: encoded})).toString('base64')
    if (existsSync('/proc/uptime')) this.#start()
    else options.onFailure('this system has no /proc')
  }

  /** From now on this family is guarded. */
  watch(family: Family): void {
    const {rootPid, shape, marker} = family
    this.#tell(shape, shape === 'group' ? String(rootPid) : `${rootPid} ${marker ?? ''}`)
  }

  /** Boot time, as in a hold's deadline. */
  deadline(deadline: {readonly termAtMs: number; readonly killAtMs: number}): void {
    this.#tell('deadline', `${toHundredths(deadline.termAtMs)} ${toHundredths(deadline.killAtMs)}`)
  }

  /** Nothing of the family is left: its numbers may be given to strangers. */
  familyIsGone(): void {
    for (const verb of ['marked', 'group', 'terminal', 'deadline']) this.#told.delete(verb)
    this.#write('gone')
  }

  /** The lock was given back: the guardian has nothing left to do. */
  released(): void {
    this.#isReleased = true
    this.#write('released')
    this.#process?.stdin?.end()
  }

  #tell(verb: string, words: string): void {
    this.#told.set(verb, words)
    this.#write(`${verb} ${words}`)
  }

  #write(line: string): void {
    if (this.#process?.stdin?.writable === true) this.#process.stdin.write(`${line}\n`)
  }

  #start(): void {
    this.#starts += 1
    const grace = String(Math.ceil(this.#options.graceMs / 10))
    const [file, ...words] = this.#command
    const guardian = spawn(file, [...words, grace, process.execPath, '-e', releaseScript], {
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
    for (const [verb, told] of this.#told) this.#write(`${verb} ${told}`)
  }
}
