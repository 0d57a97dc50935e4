import {Buffer} from 'node:buffer'
import {systemClock} from '../../../src/core/time/clock.js'
import type {ConsulIndex, Snapshot} from '../../../src/core/types.js'
import {createDecoder, fingerprint} from '../../../src/discover/document.js'
import type {DiscoverSource} from '../../../src/discover/source.js'
import type {SourceDocument} from '../../../src/discover/types.js'

/**
 * A source whose content the test sets. As in Consul, a read with an index waits until the content
 * changes.
 */
export class ManualSource {
  decodes = 0
  /** An error that all reads throw while it is set. */
  failure: Error | undefined
  facts: Partial<Pick<Snapshot<unknown>, 'knownLeader' | 'filteredByAcls'>> = {}
  #documents: readonly SourceDocument[] = []
  #index = 1n
  #wake = new Set<() => void>()

  /** Sets the documents, each of them a text or an object, by key. */
  async set(contents: Readonly<Record<string, unknown>>): Promise<void> {
    const decode = await createDecoder('folder')
    this.#documents = Object.entries(contents).map(([key, content]) => {
      const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
      return {
        key,
        fingerprint: fingerprint(bytes),
        decode: () => {
          this.decodes += 1
          return decode(key, bytes)
        },
      }
    })
    this.touch()
  }

  /** Raises the index without changing the content. */
  touch(): void {
    this.#index += 1n
    for (const wake of this.#wake) wake()
  }

  fail(error: Error): void {
    this.failure = error
    for (const wake of this.#wake) wake()
  }

  source(name: string, isRequired = false): DiscoverSource {
    return {
      name,
      isRequired,
      query: {
        id: name,
        indexRule: 'monotonic',
        guardEmpty: !isRequired,
        entries: documents => documents.map(item => ({key: item.key, version: item.fingerprint, item})),
        read: async ({index, signal}) => {
          if (index !== undefined && index === this.#index && !this.failure) await this.#parked(signal)
          signal?.throwIfAborted()
          if (this.failure) throw this.failure
          return {
            value: this.#documents,
            index: this.#index as ConsulIndex,
            knownLeader: true,
            lastContactMs: 0,
            filteredByAcls: false,
            sentAtMs: systemClock.monotonicMs(),
            ...this.facts,
          }
        },
      },
    }
  }

  #parked(signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        this.#wake.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#wake.add(wake)
      signal?.addEventListener('abort', wake)
    })
  }
}
