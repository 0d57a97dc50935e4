import type {Clock} from '../core/types.js'
import type {FamilyShape} from './family.js'

export interface ChildSpec {
  /** The program and its arguments, passed on without a shell. */
  readonly argv: readonly [string, ...string[]]
  /** The whole environment: nothing is added. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Stdin of the child. @default 'inherit' */
  readonly stdin?: 'inherit' | 'ignore' | 'pipe'
  /** Stdout and stderr of the child. @default 'inherit' */
  readonly output?: 'inherit' | 'pipe'
  readonly shape: FamilyShape
  /** Name of a variable in `env` whose value only this family has. */
  readonly markedBy?: string
  /**
   * True to find daemons of the child by this variable, for which all processes of the machine are examined. @default
   * false
   */
  readonly isMarkSearched?: boolean
  readonly clock: Clock
}
