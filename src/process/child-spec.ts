import type {Clock} from '../core/types.js'
import type {FamilyShape} from './family.js'

export interface ChildSpec {
  /** The program and its arguments, passed on without a shell. */
  readonly argv: readonly [string, ...string[]]
  /** The whole environment of the child. baton adds nothing to it. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Stdin of the child. @default 'inherit' */
  readonly stdin?: 'inherit' | 'ignore' | 'pipe'
  /** Stdout and stderr of the child. @default 'inherit' */
  readonly output?: 'inherit' | 'pipe'
  readonly shape: FamilyShape
  /** Name of a variable in `env` whose value only this child and its descendants have. */
  readonly markedBy?: string
  /**
   * True to search all processes of the machine for the variable `markedBy`, in order to find daemons of the child.
   * @default false
   */
  readonly isMarkSearched?: boolean
  readonly clock: Clock
}
