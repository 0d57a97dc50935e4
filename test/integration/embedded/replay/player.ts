import {randomBytes} from 'node:crypto'
import {request as httpRequest} from 'node:http'
import {gunzipSync} from 'node:zlib'
import {Bindings} from './bindings.js'
import {differences, parseExact} from './match.js'
import {appliesTo, readTranscript, type Step, type StepRequest} from './transcript.js'

/** The clock by which the steps of a transcript are timed. */
export interface PlayerClock {
  now(): number
  sleep(ms: number): Promise<void>
}

export interface PlayOptions {
  readonly address: string
  readonly clock: PlayerClock
  /** The optional kinds of steps that the agent under test supports. */
  readonly tags: ReadonlySet<'fresh' | 'slow' | 'dc2' | 'acl'>
  readonly words: ReadonlyMap<string, string>
  readonly version: string
  /** Time that is added to every upper time limit. */
  readonly slackMs?: number
}

export interface Difference {
  readonly step: string
  readonly lines: readonly string[]
}

export interface Played {
  readonly steps: number
  readonly differences: readonly Difference[]
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  readonly sentMs: number
  readonly atMs: number
}

/** The headers that are compared. Except for the last two, a header that a step does not list must be absent. */
const compared = [
  'allow',
  'content-security-policy',
  'content-type',
  'location',
  'x-consul-contenthash',
  'x-consul-effective-consistency',
  'x-consul-index',
  'x-consul-knownleader',
  'x-consul-lastcontact',
  'x-consul-reason',
  'x-content-type-options',
  'vary',
  'content-encoding',
]
const mayBeUnlisted = new Set(['vary', 'content-encoding'])

function bodyOf(body: unknown): Buffer | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') return Buffer.from(body)
  const form = body as {$json?: unknown; $repeat?: string; count?: number; $base64?: string}
  if (form.$repeat !== undefined) return Buffer.from(form.$repeat.repeat(form.count ?? 0))
  if (form.$base64 !== undefined) return Buffer.from(form.$base64, 'base64')
  return Buffer.from(JSON.stringify(form.$json))
}

function send(options: PlayOptions, step: StepRequest): Promise<Answer> {
  const {hostname, port} = new URL(options.address)
  const body = bodyOf(step.body)
  const length = body && step.chunked !== true ? {'content-length': String(body.length)} : {}
  const chunked = step.chunked === true ? {'transfer-encoding': 'chunked'} : {}
  const sentMs = options.clock.now()
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        method: step.method,
        path: step.path,
        headers: {...step.headers, ...length, ...chunked},
        agent: false,
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const whole = Buffer.concat(chunks)
          const plain = response.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: plain.toString('utf8'),
            sentMs,
            atMs: options.clock.now(),
          })
        })
      },
    )
    request.on('error', reject)
    if (body) request.write(body)
    request.end()
  })
}

/** Sends the requests of one recorded file to an agent and compares every answer. */
export async function play(file: string, options: PlayOptions): Promise<Played> {
  return await new Player(options).play(readTranscript(file))
}

class Player {
  readonly #options: PlayOptions
  readonly #bindings: Bindings
  readonly #marks = new Map<string, Answer>()
  readonly #pending = new Map<string, {readonly step: Step; readonly answer: Promise<Answer>}>()
  readonly #found: Difference[] = []
  #steps = 0

  constructor(options: PlayOptions) {
    this.#options = options
    const run = `a${randomBytes(4).toString('hex')}`
    this.#bindings = new Bindings(new Map([...options.words, ['run', run], ['p', `golden-${run}`]]))
  }

  async play(steps: readonly Step[]): Promise<Played> {
    for (const step of steps) if (this.#applies(step)) await this.#one(step)
    for (const name of this.#pending.keys()) this.#found.push({step: name, lines: ['was never awaited']})
    return {steps: this.#steps, differences: this.#found}
  }

  #applies(step: Step): boolean {
    const {tags, version} = this.#options
    const needed = (step.tags ?? []).filter(tag => tag !== 'quirk') as ('fresh' | 'slow' | 'dc2' | 'acl')[]
    const fits =
      needed.every(tag => tags.has(tag)) && (step.request === undefined || tags.has('acl') === needed.includes('acl'))
    return fits && appliesTo(step, version)
  }

  async #one(step: Step): Promise<void> {
    if (step.sleep_ms !== undefined) await this.#options.clock.sleep(step.sleep_ms)
    else if (step.await !== undefined) await this.#await(step.await)
    else await this.#ask(step)
  }

  async #ask(step: Step): Promise<void> {
    this.#steps += 1
    const request = this.#bindings.deep(step.request) as StepRequest
    if (step.start !== undefined) {
      this.#pending.set(step.start, {step, answer: send(this.#options, request)})
      return
    }
    if (step.poll_ms !== undefined) await this.#poll(step, request)
    else this.#judge(step, await send(this.#options, request))
  }

  async #await(name: string): Promise<void> {
    const pending = this.#pending.get(name)
    if (!pending) return
    this.#pending.delete(name)
    this.#judge(pending.step, await pending.answer)
  }

  /** Repeats the request until the answer matches. The time limit covers all attempts. */
  async #poll(step: Step, request: StepRequest): Promise<void> {
    const {clock} = this.#options
    const startedMs = clock.now()
    const {min_ms: _min, max_ms: _max, ...untimed} = step.response ?? {}
    for (;;) {
      const answer = await send(this.#options, request)
      const late = clock.now() - startedMs > (step.response?.max_ms ?? 10_000) + 2000
      const attempt = this.#bindings.copy()
      if (late || this.#compare({...step, response: untimed}, answer, attempt).length === 0) {
        this.#judge(step, {...answer, sentMs: startedMs})
        return
      }
      await clock.sleep(step.poll_ms ?? 20)
    }
  }

  #judge(step: Step, answer: Answer): void {
    if (step.mark !== undefined) this.#marks.set(step.mark, answer)
    const lines = this.#compare(step, answer, this.#bindings)
    if (lines.length > 0) this.#found.push({step: step.name ?? '', lines})
  }

  #compare(step: Step, answer: Answer, bindings: Bindings): string[] {
    const {status, headers = {}, body, min_ms: least, max_ms: most} = step.response ?? {}
    const lines: string[] = []
    if (status !== undefined && status !== answer.status) {
      lines.push(`status: expected ${status}, got ${answer.status} ${answer.text.slice(0, 200)}`)
    }
    for (const name of compared) {
      const wanted = headers[name] ?? undefined
      if (wanted !== undefined) lines.push(...differences(wanted, answer.headers[name], bindings, name))
      else if ((Object.hasOwn(headers, name) || !mayBeUnlisted.has(name)) && name in answer.headers) {
        lines.push(`${name}: expected none, got ${String(answer.headers[name])}`)
      }
    }
    if (body !== undefined) {
      const json = String(headers['content-type']).startsWith('application/json')
      lines.push(...differences(body, json ? parseExact(answer.text) : answer.text, bindings))
    }
    const mark = step.from === undefined ? undefined : this.#marks.get(step.from)
    // The agent handled the request of the step `from` at some time between its `sentMs` and its `atMs`.
    const atMostMs = answer.atMs - (mark ?? answer).sentMs
    const atLeastMs = answer.atMs - (mark?.atMs ?? answer.sentMs)
    if (least !== undefined && !(atMostMs >= least)) lines.push(`time: expected at least ${least} ms, took ${atMostMs}`)
    if (most !== undefined && !(atLeastMs <= most + (this.#options.slackMs ?? 400))) {
      lines.push(`time: expected at most ${most} ms, took ${atLeastMs}`)
    }
    return lines
  }
}
