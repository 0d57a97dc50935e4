import type {BlockValues} from '../../config/blocks.js'
import {UsageError} from '../../core/errors.js'
import type {SupervisedChild} from '../../template/supervisor.js'
import {parseSignal} from '../replicate/process.js'
import {chooseEnv, type EnvRules} from './child-env.js'
import {type EnvFields, toArgv, toEnvRules} from './specs.js'

/** Flags that describe the child. */
export interface ChildFlags {
  readonly exec?: string | undefined
  readonly 'exec-reload-signal'?: string | undefined
  readonly 'exec-kill-signal'?: string | undefined
  readonly grace?: number | undefined
  readonly 'exec-splay'?: number | undefined
  readonly 'exec-env-pristine'?: boolean
  readonly 'exec-env-custom'?: readonly string[] | undefined
  readonly 'exec-env-allowlist'?: readonly string[] | undefined
  readonly 'exec-env-denylist'?: readonly string[] | undefined
  readonly restart: 'never' | 'on-failure' | 'always'
}

/** An `exec` block of a configuration file, after its types were checked. */
interface ExecFields {
  readonly command?: string | readonly string[]
  readonly enabled?: boolean
  readonly env?: EnvFields
  readonly kill_signal?: string
  readonly kill_timeout?: number
  readonly reload_signal?: string
  readonly splay?: number
}

interface Given {
  readonly flags: ChildFlags
  /** True if the flag was given on the command line. */
  readonly isGiven: (flag: keyof ChildFlags) => boolean
  /** The arguments after `--`. */
  readonly words: readonly string[]
  readonly block: BlockValues
  readonly env: Readonly<Record<string, string>>
}

/** Settings of a supervised child. */
export type ChildSettings = SupervisedChild

/**
 * Returns the child that the command line and the files define; undefined if they define none. Flags take precedence
 * over files.
 */
export function toChild({flags, isGiven, words, block, env}: Given): ChildSettings | undefined {
  const exec = block as ExecFields
  const [file, ...rest] = words
  const fromFile = exec.enabled === false ? undefined : exec.command
  const command = flags.exec ?? fromFile
  const reloadSignal = parseSignal(flags['exec-reload-signal'] ?? exec.reload_signal ?? '', '--exec-reload-signal')
  const argv: [string, ...string[]] | undefined =
    file === undefined ? (command === undefined ? undefined : commandArgv(command, reloadSignal)) : [file, ...rest]
  if (argv === undefined) return undefined
  if (argv[0] === '') throw new UsageError('the name of the child is empty')
  const killSignal = parseSignal(flags['exec-kill-signal'] ?? exec.kill_signal ?? '', '--exec-kill-signal')
  return {
    argv,
    env: chooseEnv(env, rulesOf(flags, exec.env)),
    graceMs: isGiven('grace') ? (flags.grace ?? 0) : (exec.kill_timeout ?? flags.grace ?? 0),
    splayMs: flags['exec-splay'] ?? exec.splay ?? 0,
    restart: flags.restart,
    ...(reloadSignal !== undefined && {reloadSignal}),
    ...(killSignal !== undefined && {killSignal}),
  }
}

/**
 * Returns the command line of a child. If the child runs in a shell, the shell ignores signals that are meant for the
 * programs it starts, because signals go to the whole process group and some shells do not `exec` their last command.
 */
function commandArgv(
  command: string | readonly string[],
  reloadSignal: NodeJS.Signals | undefined,
): [string, ...string[]] {
  const argv = toArgv(command)
  if (typeof command !== 'string' && command.length > 1) return argv
  const [shell, option, text] = argv as [string, string, string]
  if (text.trim() === '') return argv
  const signals = new Set([reloadSignal ?? 'SIGUSR1', 'SIGUSR1', 'SIGUSR2'].filter(name => !/KILL|STOP/.test(name)))
  return [shell, option, `trap : ${Array.from(signals, name => name.slice(3)).join(' ')}; ${text}`]
}

function rulesOf(flags: ChildFlags, block: EnvFields | undefined): EnvRules {
  const file = toEnvRules(block)
  return {
    pristine: flags['exec-env-pristine'] === true || file.pristine,
    custom: [...(file.custom ?? []), ...(flags['exec-env-custom'] ?? [])],
    allow: flags['exec-env-allowlist'] ?? file.allow,
    deny: flags['exec-env-denylist'] ?? file.deny,
  }
}
