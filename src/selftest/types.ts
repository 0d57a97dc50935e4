import type {ConsulClient} from '../core/client.js'
import type {SigningKey} from '../exec/native/envelope.js'

/** The claims that are proven, in the order in which they are reported. */
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

/** The result of one proof. `skip`: the cluster lacks what the proof needs. */
export interface Proof {
  readonly check: Claim
  readonly verdict: 'ok' | 'fail' | 'skip'
  readonly text: string
  /** True if it failed because the token lacks a permission. */
  readonly isDenied?: boolean
}

/** The resources that every proof receives. */
export interface Bench {
  readonly client: ConsulClient
  /** A prefix of this run alone, without a slash at its end. */
  readonly prefix: string
  readonly signal: AbortSignal
  /** Keys that sign the job of the proof of exec; none skips it. */
  readonly keys: readonly SigningKey[]
  /** Name of the sessions of this run, by which those that a failure left are found. */
  readonly sessionName: string
}
