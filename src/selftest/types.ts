import type {ConsulClient} from '../core/client.js'
import type {SigningKey} from '../exec/native/envelope.js'

/** The claims that are tested, in the order in which they are reported. */
export type Claim =
  | 'exclusion'
  | 'fencing'
  | 'hand-over'
  | 'semaphore'
  | 'expiry'
  | 'wake'
  | 'exec'
  | 'replicate'
  | 'clean'

/** The result of one test. `skip`: the cluster lacks something that the test needs. */
export interface Proof {
  readonly check: Claim
  readonly verdict: 'ok' | 'fail' | 'skip'
  readonly text: string
  /** True if the test failed because the token lacks a permission. */
  readonly isDenied?: boolean
}

/** The resources that every test receives. */
export interface Bench {
  readonly client: ConsulClient
  /** The prefix of this run, without a slash at its end. */
  readonly prefix: string
  readonly signal: AbortSignal
  /** Keys that sign the job in the test of remote execution, which is skipped if there are none. */
  readonly keys: readonly SigningKey[]
  /** Name of the sessions of this run. If a failure leaves sessions behind, they can be found by this name. */
  readonly sessionName: string
}
