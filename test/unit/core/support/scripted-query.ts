import type {BlockingQuery} from '../../../../src/core/query/types.js'
import type {BlockingReadOptions, ConsulIndex, Snapshot} from '../../../../src/core/types.js'
import type {FakeClock} from '../../../kit/fake-clock.js'

/** A request that is waiting for its answer. */
export interface Pending<T> {
  readonly options: BlockingReadOptions
  readonly sentAtMs: number
  readonly isOpen: boolean
  answer(index: bigint | undefined, value: T, facts?: Partial<Snapshot<T>>): void
  fail(error: unknown): void
}

/** A query to which the test gives the answers. */
export class ScriptedQuery<T, Item = T> {
  readonly requests: Pending<T>[] = []
  readonly query: BlockingQuery<T, Item>
  readonly #clock: FakeClock

  constructor(clock: FakeClock, overrides: Partial<BlockingQuery<T, Item>> = {}) {
    this.#clock = clock
    this.query = {
      id: 'scripted',
      indexRule: 'monotonic',
      guardEmpty: false,
      read: options => this.#read(options),
      entries: value => [{key: 'value', version: JSON.stringify(value), item: value as unknown as Item}],
      ...overrides,
    }
  }

  get last(): Pending<T> {
    const last = this.requests.at(-1)
    if (!last) throw new Error('nothing was asked yet')
    return last
  }

  #read(options: BlockingReadOptions): Promise<Snapshot<T>> {
    const sentAtMs = this.#clock.monotonicMs()
    const {promise, resolve, reject} = withResolvers<Snapshot<T>>()
    let isOpen = true
    const fail = (error: unknown): void => {
      isOpen = false
      reject(error)
    }
    options.signal?.addEventListener('abort', () => fail(options.signal?.reason), {once: true})
    this.requests.push({
      options,
      sentAtMs,
      get isOpen() {
        return isOpen
      },
      answer: (index, value, facts) => {
        isOpen = false
        const known = {knownLeader: true, lastContactMs: 0, filteredByAcls: false, sentAtMs}
        resolve({value, index: index as ConsulIndex | undefined, ...known, ...facts})
      },
      fail,
    })
    return promise
  }
}

function withResolvers<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
} {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return {promise, resolve, reject}
}
