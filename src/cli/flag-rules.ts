import {UsageError} from '../core/errors.js'
import type {SplitArgv} from './argv.js'
import type {SettingSources} from './settings.js'

/**
 * Conditions that a rule can name besides flags: a command to run, arguments after `--`, and the imitation of Consul's
 * tools.
 */
const circumstances = ['COMMAND', '--', 'compat']

/**
 * A flag that contradicts something else on the command line, or has no effect without it. Only typed flags break a
 * rule: variables and files are shared by many commands.
 */
export interface FlagRule {
  readonly flag: string
  /** Whether the rule is for the flag with a value or switched on, or for the flag switched off. @default 'on' */
  readonly when?: 'on' | 'off' | 'any'
  /** Typed flags and conditions that contradict the flag. */
  readonly besides?: readonly string[]
  /** Flags and conditions, one of which the flag needs to have an effect. */
  readonly needs?: readonly string[]
  /** The rule holds only for arguments after `--`: Consul's tools accept the flag. */
  readonly isNativeOnly?: true
  /**
   * The reason why the flag has no effect. The command prints it as a warning and continues, because Consul's tools
   * accept the flag and it does no harm.
   */
  readonly warning?: string
}

/** The rules of flags that every command has. */
export const commonRules: readonly FlagRule[] = [{flag: 'quiet', besides: ['verbose']}]

interface GivenLine {
  readonly flags: Readonly<Record<string, unknown>>
  readonly sources: SettingSources
  readonly child: SplitArgv['child']
}

/** Throws a UsageError for the first rule that is broken. Returns a line for each flag that has no effect. */
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
  // A switch without a negative form has no value when it is off.
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
