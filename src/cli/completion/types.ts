import type {FlagShape} from '../flag-words.js'

export interface Candidate {
  readonly value: string
  /** Shown beside the value by shells that show descriptions; may be empty. */
  readonly description: string
}

/** A positional argument of a command. */
export interface ArgFacts {
  readonly name: string
  readonly choices: readonly string[] | undefined
}

export interface FlagFacts extends ArgFacts, FlagShape {
  readonly description: string
}

/** What completion needs to know of a command. */
export interface CompletableCommand {
  readonly flags: readonly FlagFacts[]
  readonly args: readonly ArgFacts[]
  readonly childForm: {readonly ownArgs: number} | undefined
}

/** What can stand at the cursor. */
export interface Wanted {
  readonly candidates: readonly Candidate[]
  /** What has been typed of the value. */
  readonly current: string
  /** What stands before the value in the same word: `--node=`. */
  readonly lead: string
  /** The kind of value that Consul knows. */
  readonly source?: 'key' | 'node' | 'service' | 'datacenter' | undefined
  readonly isPositional?: boolean
}
