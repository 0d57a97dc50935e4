import {UsageError} from '../core/errors.js'
import type {SplitArgv} from './argv.js'
import type {SettingSources} from './settings.js'

/** Conditions that a rule can name like flags: a command to run, arguments after `--`, and `--compat`. */
const circumstances = ['COMMAND', '--', 'compat']

/**
 * A rule for a flag that contradicts something else on the command line, or has no effect without something else. Only
 * flags on the command line can break a rule, because variables and files are shared by many commands.
 */
export interface FlagRule {
  readonly flag: string
  /**
   * Whether the rule applies if the flag is given (with a value or switched on), if it is switched off, or in both
   * cases.
   * @default 'on'
   */
  readonly when?: 'on' | 'off' | 'any'
  /** Flags and conditions that contradict the flag. */
  readonly besides?: readonly string[]
  /** Flags and conditions of which the flag needs at least one to have an effect. */
  readonly needs?: readonly string[]
  /**
   * True if the rule applies only with arguments after `--`. Without `--`, the flag is accepted as in Consul's tools.
   */
  readonly isNativeOnly?: true
  /**
   * The reason why the flag has no effect. The command only prints it as a warning, because Consul's tools accept the
   * flag and it does no harm.
   */
  readonly warning?: string
}

/** The rules of flags that every command has. */
export const commonRules: readonly FlagRule[] = [{flag: 'quiet', besides: ['verbose']}]

/** The rules of commands with `--max-stale`. */
export const maxStaleRules: readonly FlagRule[] = [
  {flag: 'stale', besides: ['max-stale']},
  {flag: 'stale', when: 'off', besides: ['max-stale']},
]

interface GivenLine {
  readonly flags: Readonly<Record<string, unknown>>
  readonly sources: SettingSources
  readonly child: SplitArgv['child']
}

/** Throws a UsageError for the first broken rule. Returns a line for each flag that has no effect. */
export function checkFlagRules(rules: readonly FlagRule[], line: GivenLine): readonly string[] {
  const warnings: string[] = []
  for (const rule of rules) {
    const broken = faultOf(rule, line)
    if (broken === undefined) continue
    if (rule.warning === undefined) throw new UsageError(`--${rule.flag}: ${broken}`)
    warnings.push(`--${rule.flag}: no effect: ${rule.warning}`)
  }
  return warnings
}

function faultOf(rule: FlagRule, line: GivenLine): string | undefined {
  const {flag, when = 'on', besides = [], needs = []} = rule
  // A switch that has no negative form has no value when it is off.
  const isOff = line.flags[flag] === false || line.flags[flag] === undefined
  if (!isTyped(flag, line) || (when !== 'any' && isOff !== (when === 'off'))) return undefined
  if (rule.isNativeOnly === true && line.child?.form !== 'native') return undefined
  const rival = besides.find(name => isEffective(name, line) && (circumstances.includes(name) || isTyped(name, line)))
  if (rival !== undefined) return `does not go with ${phrase(rival)}`
  if (needs.length === 0 || needs.some(name => isEffective(name, line))) return undefined
  return `only with ${needs.map(phrase).join(' or ')}`
}

const isTyped = (name: string, {sources}: GivenLine): boolean => sources.get(name) === 'flag'

function isEffective(name: string, {flags, child}: GivenLine): boolean {
  if (name === 'COMMAND') return child !== undefined && child.words.length > 0
  if (name === '--') return child?.form === 'native'
  const value = flags[name]
  return value !== undefined && value !== false && value !== 0
}

function phrase(name: string): string {
  if (name === 'COMMAND') return 'a command'
  return name === '--' ? 'arguments after --' : `--${name}`
}
