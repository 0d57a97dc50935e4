import {TransportError} from '../../../../src/core/errors.js'
import type {Timer, Transport, TransportRequest, TransportResponse} from '../../../../src/core/types.js'
import type {FakeClock} from '../../../kit/fake-clock.js'
import {ModelHistory, type ModelKey, type ModelState} from './model-history.js'

/** The faults that the simulated agent has at present. */
export interface Faults {
  /** True if requests get no answer. */
  isBlackHole?: boolean
  isRefusing?: boolean
  /** Status and text with which every request is answered. */
  refusal?: {readonly status: number; readonly text: string}
  /** True if lists are empty and answers say that permissions are missing. */
  isFiltered?: boolean
  /** True if lists are empty and come from a server that knows no leader, while consistent reads fail. */
  isLeaderless?: boolean
  /** True if answers do not mention a leader, like those of the streaming backend. */
  isSilent?: boolean
  /** Age in milliseconds at which blocking queries are cut. */
  cutAfterMs?: number
}

interface Parked {
  readonly index: number
  readonly answer: () => void
  readonly reset: () => void
  timer?: Timer
}

const showEveryMs = 200
const statesOfPast = 50

/** A store of keys behind a transport, with Consul's blocking queries and the faults that Consul is known to have. */
export class ModelAgent implements Transport {
  keys = new Map<string, ModelKey>()
  faults: Faults = {}
  /** Monotonic times at which requests arrived, in milliseconds. */
  readonly sentAtMs: number[] = []
  /** Number of answers that showed old state. */
  pastAnswers = 0
  readonly #clock: FakeClock
  readonly #random: () => number
  #raftIndex = 100
  #listIndex = 100
  #parked = new Set<Parked>()
  #saved: ModelState | undefined
  readonly #onState: (state: ModelState) => void
  readonly #history = new ModelHistory()
  /** Old states that a leader shows while it applies its log. Consistent reads wait until it has finished. */
  #past: ModelState[] = []
  #replaying: Timer | undefined
  #waiting: Pick<Parked, 'answer' | 'reset'>[] = []

  /** `onState` receives every state, in order. */
  constructor(clock: FakeClock, random: () => number, onState: (state: ModelState) => void = () => {}) {
    this.#clock = clock
    this.#random = random
    this.#onState = onState
    this.#note()
  }

  set(key: string, value: string): void {
    const modifyIndex = this.#next()
    this.keys.set(key, {value, createIndex: this.keys.get(key)?.createIndex ?? modifyIndex, modifyIndex})
    this.#wake()
  }

  delete(key: string): void {
    if (!this.keys.delete(key)) return
    this.#next()
    this.#wake()
  }

  clear(): void {
    this.keys.clear()
    this.#next()
    this.#wake()
  }

  /** Answers all blocking queries with unchanged content. */
  bump(): void {
    this.#next()
    this.#wake()
  }

  /**
   * Simulates a recursive delete of a prefix that is shorter than the watched one: Consul answers no blocking query,
   * and the index goes back.
   */
  deleteUnseen(key: string): void {
    if (!this.keys.delete(key)) return
    this.#listIndex -= 1
    this.#wentBack()
  }

  /**
   * Simulates a server that restarts and leads again at once: plain reads show old state while the server applies its
   * log.
   */
  relead(): void {
    this.reset()
    this.#past = this.#history.last(Math.ceil(this.#random() * statesOfPast))
    this.#showNext()
  }

  save(): void {
    this.#saved = this.#state()
  }

  /**
   * Restores an earlier state. If `isAnswered` is false, blocking queries are not answered until their wait time ends.
   */
  restore(isAnswered: boolean): void {
    if (!this.#saved) return
    if (isAnswered) this.#answerAll()
    this.keys = new Map(this.#saved.keys)
    this.#listIndex = this.#saved.listIndex
    this.#wentBack()
  }

  /**
   * Simulates a new data folder at the same address: indexes start again, so that an index may occur a second time with
   * other content.
   */
  wipe(keys: readonly string[]): void {
    this.reset()
    this.keys.clear()
    this.#saved = undefined
    this.#raftIndex = 100 + Math.floor(this.#random() * 50)
    this.#listIndex = this.#raftIndex
    this.#wentBack()
    for (const key of keys) this.set(key, `wiped ${this.#random()}`)
  }

  /** Cuts every connection, so that callers receive an error. */
  reset(): void {
    for (const each of [...this.#take(), ...this.#waiting.splice(0)]) each.reset()
  }

  /** Cuts every connection like {@link reset}, but callers receive no error. */
  forget(): void {
    this.#take()
    this.#waiting = []
  }

  /**
   * Answers a transaction that reads keys: the answer names keys that do not exist, and omits keys that the token may
   * not read.
   */
  #readEach({body}: TransportRequest): TransportResponse {
    const {refusal, isLeaderless, isFiltered} = this.faults
    if (refusal || isLeaderless === true) return this.#response(new URLSearchParams('consistent'))
    const reads = JSON.parse(Buffer.from(body ?? '').toString()) as readonly {readonly KV: {readonly Key: string}}[]
    const Errors = reads.flatMap(({KV: {Key}}, OpIndex) =>
      this.keys.has(Key) ? [] : [{OpIndex, What: `key "${Key}" doesn't exist`}],
    )
    const answer =
      Errors.length > 0 ? {Results: null, Errors} : {Results: isFiltered === true ? [] : reads, Errors: null}
    return {status: Errors.length > 0 ? 409 : 200, headers: new Map(), body: Buffer.from(JSON.stringify(answer))}
  }

  send(request: TransportRequest): Promise<TransportResponse> {
    this.sentAtMs.push(this.#clock.monotonicMs())
    const query = new URL(request.path, 'http://agent').searchParams
    return new Promise((resolve, reject) => {
      request.signal?.addEventListener('abort', () => reject(request.signal?.reason), {once: true})
      const refuse = (): void => reject(new TransportError('BATON_CONNECT', 'Consul at model: connection reset'))
      if (this.faults.isBlackHole === true) return
      if (this.faults.isRefusing === true) {
        refuse()
        return
      }
      const answer = (): void => {
        const response = request.path.startsWith('/v1/txn') ? this.#readEach(request) : this.#response(query)
        this.#clock.timer(1, () => resolve(response))
      }
      const index = Number(query.get('index') ?? 0)
      const waitMs = Number.parseInt(query.get('wait') ?? '0', 10)
      if (index > 0 && this.#shown.listIndex <= index) this.#park({index, answer, reset: refuse}, waitMs)
      else if (query.has('consistent') && this.#past.length > 0) this.#waiting.push({answer, reset: refuse})
      else answer()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.forget()
  }

  #park(parked: Parked, waitMs: number): void {
    this.#parked.add(parked)
    const {cutAfterMs = Number.POSITIVE_INFINITY} = this.faults
    const isCut = cutAfterMs < waitMs
    const end = (): void => {
      if (this.#parked.delete(parked)) (isCut ? parked.reset : parked.answer)()
    }
    parked.timer = this.#clock.timer(isCut ? cutAfterMs : waitMs + (this.#random() * waitMs) / 16, end)
  }

  #next(): number {
    this.#raftIndex += 1
    this.#listIndex = this.#raftIndex
    return this.#raftIndex
  }

  get #shown(): ModelState {
    return this.#past[0] ?? this
  }

  get listIndex(): number {
    return this.#listIndex
  }

  #state(): ModelState {
    return {keys: new Map(this.keys), listIndex: this.#listIndex}
  }

  #note(): void {
    const state = this.#state()
    this.#history.add(state)
    this.#onState(state)
  }

  /** Empties the log, so that earlier states are not shown again. */
  #wentBack(): void {
    this.#history.clear()
    this.#endPast()
    this.#note()
  }

  #showNext(): void {
    this.#past.shift()
    this.#replaying?.[Symbol.dispose]()
    if (this.#past.length === 0) this.#endPast()
    else this.#replaying = this.#clock.timer(showEveryMs, () => this.#showNext())
    this.#wakeParked()
  }

  #endPast(): void {
    this.#replaying?.[Symbol.dispose]()
    this.#past = []
    for (const {answer} of this.#waiting.splice(0)) answer()
  }

  #wake(): void {
    this.#note()
    this.#wakeParked()
  }

  #wakeParked(): void {
    for (const parked of [...this.#parked]) {
      if (this.#shown.listIndex <= parked.index) continue
      this.#leave(parked)
      parked.answer()
    }
  }

  #answerAll(): void {
    for (const parked of this.#take()) parked.answer()
  }

  #take(): readonly Parked[] {
    const all = [...this.#parked]
    for (const parked of all) this.#leave(parked)
    return all
  }

  #leave(parked: Parked): void {
    this.#parked.delete(parked)
    parked.timer?.[Symbol.dispose]()
  }

  #response(query: URLSearchParams): TransportResponse {
    const {refusal, isFiltered, isLeaderless, isSilent} = this.faults
    if (refusal) return {status: refusal.status, headers: new Map(), body: Buffer.from(refusal.text)}
    const isConsistent = query.has('consistent')
    if (isLeaderless === true && isConsistent) {
      return {status: 500, headers: new Map(), body: Buffer.from('No cluster leader')}
    }
    const isHidden = isFiltered === true || isLeaderless === true
    const {keys, listIndex} = this.#shown
    if (this.#past.length > 0) this.pastAnswers += 1
    const headers = new Map([['x-consul-index', String(listIndex)]])
    if (isSilent !== true || isConsistent) {
      headers.set('x-consul-knownleader', String(isLeaderless !== true)).set('x-consul-lastcontact', '0')
    }
    if (isFiltered === true) headers.set('x-consul-results-filtered-by-acls', 'true')
    if (isHidden || keys.size === 0) return {status: 404, headers, body: Buffer.alloc(0)}
    const list = [...keys].map(([key, {value, createIndex, modifyIndex}]) => ({
      Key: key,
      Value: Buffer.from(value).toString('base64'),
      Flags: 0,
      LockIndex: 0,
      CreateIndex: createIndex,
      ModifyIndex: modifyIndex,
    }))
    return {status: 200, headers, body: Buffer.from(JSON.stringify(list))}
  }
}
