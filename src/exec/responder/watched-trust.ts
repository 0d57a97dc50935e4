import type {ConsulClient} from '../../core/client.js'
import {BatonError, isBatonError, messageOf} from '../../core/errors.js'
import type {TrustSource, TrustStore} from '../native/trust.js'

/** Reads the trusted keys. Reports when they can no longer be read, and when they can be read again. */
export class WatchedTrust {
  readonly #client: ConsulClient
  readonly #source: TrustSource
  readonly #observer: (event: TrustEvent) => void
  #trouble: string | undefined

  constructor(client: ConsulClient, source: TrustSource, observer: (event: TrustEvent) => void) {
    this.#client = client
    this.#source = source
    this.#observer = observer
  }

  /** Reads the trusted keys. Does not reject: if `source` rejects, no keys are trusted. */
  async read(): Promise<TrustStore> {
    const store = await this.#source().catch(toStore)
    this.#report(store)
    return store
  }

  #report({trouble, keys}: TrustStore): void {
    const reason = trouble?.message
    if (reason === this.#trouble) return
    this.#trouble = reason
    const {logger} = this.#client
    if (reason === undefined) {
      logger.warn({keys: keys.size}, 'exec.trustRecovered')
      this.#observer({type: 'trust.recovered', keyCount: keys.size})
    } else {
      logger.error({error: reason, keys: keys.size}, 'exec.trustUnreadable')
      this.#observer({type: 'trust.failed', reason, keyCount: keys.size})
    }
  }
}

/** Returns the output of the responder's health check, which says whether the trusted keys can be read. */
export function noteOf({trouble, keys}: TrustStore): string {
  if (!trouble) return 'serving'
  return `serving ${keys.size} key(s) of the last good state: ${trouble.message}`
}

/** `keyCount` is the number of trusted keys. After a failure, these are the keys that were last read. */
export type TrustEvent =
  | {readonly type: 'trust.failed'; readonly reason: string; readonly keyCount: number}
  | {readonly type: 'trust.recovered'; readonly keyCount: number}

function toStore(error: unknown): TrustStore {
  const trouble = isBatonError(error) ? error : new BatonError('BATON_CONFIG', `trust: ${messageOf(error)}`)
  return {keys: new Map(), revoked: new Set(), trouble}
}
