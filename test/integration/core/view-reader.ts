import type {ConsulClient} from '../../../src/core/client.js'
import {createClient} from '../../../src/core/client.js'
import type {BlockingQuery, Frame, View} from '../../../src/core/query/types.js'
import {createViewRegistry, type ViewRegistryOptions} from '../../../src/core/query/view-registry.js'
import type {Clock, Random} from '../../../src/core/types.js'
import {waitUntil} from '../../kit/wait-until.js'

/**
 * A view with one reader that records each element of its stream as a word: `+key` and `-key` for changes,
 * `[initial` and `]2` around a snapshot, `!live` for a status, `?gap` for a gap.
 */
export class ViewReader<T, Item> implements AsyncDisposable {
  readonly client: ConsulClient
  readonly view: View<T, Item>
  readonly words: string[] = []
  readonly frames: Frame<Item>[] = []
  readonly #registry: AsyncDisposable

  constructor(
    address: string,
    topic: (client: ConsulClient) => BlockingQuery<T, Item>,
    options: ViewRegistryOptions & {readonly clock?: Clock; readonly random?: Random} = {},
  ) {
    const {clock, random} = options
    this.client = createClient({address, ...(clock && {clock}), ...(random && {random})})
    const registry = createViewRegistry(this.client, {lingerMs: 0, ...options})
    this.#registry = registry
    this.view = registry.view(topic(this.client))
    const subscription = this.view.subscribe()
    const read = async (): Promise<void> => {
      for await (const frame of subscription.frames()) {
        this.frames.push(frame)
        this.words.push(toWord(frame))
      }
    }
    read().catch((error: unknown) => this.words.push(`error ${String(error)}`))
  }

  /** Waits until the words recorded after the first `from` ones equal `words`. */
  async saw(words: readonly string[], from = 0, timeoutMs = 10_000): Promise<void> {
    const seen = (): string => this.words.slice(from).join(' ')
    const what = `frames ${words.join(' ')}`
    await waitUntil(() => seen() === words.join(' '), {what, timeoutMs, detail: () => `saw ${seen()}`})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#registry[Symbol.asyncDispose]()
    await this.client[Symbol.asyncDispose]()
  }
}

function toWord(frame: Frame<unknown>): string {
  switch (frame.type) {
    case 'upsert':
      return `+${frame.key}`
    case 'delete':
      return `-${frame.key}`
    case 'new-snapshot-to-follow':
      return `[${frame.reason}`
    case 'end-of-snapshot':
      return `]${frame.count}`
    case 'status':
      return `!${frame.status.state}`
    case 'gap':
      return `?${String(frame.afterId)}`
  }
}
