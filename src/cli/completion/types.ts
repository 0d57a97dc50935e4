import type {FlagShape} from '../flag-words.js'

export interface Candidate {
  readonly value: string
  /** Text that shells with support for descriptions show beside the value; may be empty. */
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

/** The facts about a command that completion needs. */
export interface CompletableCommand {
  readonly flags: readonly FlagFacts[]
  readonly args: readonly ArgFacts[]
  readonly childForm: {readonly ownArgs: number} | undefined
}

/** The values that are possible at the cursor. */
export interface Wanted {
  readonly candidates: readonly Candidate[]
  /** The part of the value that has been typed. */
  readonly current: string
  /** The text before the value in the same argument, such as `--node=`. */
  readonly lead: string
  /** Kind of the value, if the possible values are names in Consul. */
  readonly source?: 'key' | 'node' | 'service' | 'datacenter' | undefined
  readonly isPositional?: boolean
}
