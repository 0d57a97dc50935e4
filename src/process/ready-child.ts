import {type ChildProcess, spawn} from 'node:child_process'
import {realpathSync, statSync} from 'node:fs'
import type {Socket} from 'node:net'
import {basename} from 'node:path'
import type {ChildSpec} from './child-spec.js'
import {type Launcher, launchPlainly} from './launch.js'
import {findOnPath, isExecutable} from './search-path.js'

const shell = '/bin/sh'
/** Variable with the current folder, which a shell sets by itself. */
const folder = 'PWD'
const orderFd = 3
/** Variables that the shell changes. The shell also drops variables whose names are not valid in a shell. */
const shellsOwn: ReadonlySet<string> = new Set(['IFS', 'OPTIND', 'PPID', 'LINENO'])

export interface ReadyChildOptions {
  /** The child, except for one environment variable. */
  readonly spec: ChildSpec
  /** Name of the variable whose value is not known yet. */
  readonly lateVariable: string
}

/**
 * A shell that waits for an order and then becomes the program, which is faster than starting a process from Node. If
 * this process ends or the shell is disposed before that, the program is never started.
 */
export class ReadyChild implements Disposable {
  readonly #options: ReadyChildOptions
  #process: ChildProcess | undefined

  constructor(options: ReadyChildOptions) {
    this.#options = options
    if (canWaitInShell(options)) this.#start()
  }

  /** Launches `spec` through the waiting shell. If the shell cannot become this child, starts a new process. */
  readonly launch: Launcher = spec => {
    const child = this.#process
    const {lateVariable} = this.#options
    const value = spec.env[lateVariable]
    const isReady = child?.pid !== undefined && child.exitCode === null && child.signalCode === null
    if (!isReady || value === undefined || /[\n\0]/.test(value) || !this.#isFor(spec)) return launchPlainly(spec)
    this.#process = undefined
    child.ref()
    orderPipe(child)?.end(`${value}\n`)
    return Promise.resolve({child, pid: child.pid})
  };

  [Symbol.dispose](): void {
    const child = this.#process
    this.#process = undefined
    if (!child) return
    orderPipe(child)?.destroy()
    child.kill('SIGKILL')
  }

  #isFor(spec: ChildSpec): boolean {
    const {spec: own, lateVariable} = this.#options
    const facts = ({argv, env, stdin, output, shape, cwd}: ChildSpec): string =>
      JSON.stringify([argv, Object.entries({...env, [lateVariable]: ''}).sort(), stdin, output, shape, cwd])
    return facts(own) === facts(spec)
  }

  #start(): void {
    const {spec, lateVariable} = this.#options
    const output = spec.output ?? 'inherit'
    const forget = spec.env[folder] === undefined ? 'unset PWD; ' : ''
    const script = `${forget}IFS= read -r ${lateVariable} <&${orderFd} || exit 0; export ${lateVariable}; exec ${orderFd}<&-; exec "$@"`
    try {
      const child = spawn(shell, ['-c', script, 'sh', ...spec.argv], {
        env: spec.env,
        stdio: [spec.stdin ?? 'inherit', output, output, 'pipe'],
        detached: true,
        ...(spec.cwd !== undefined && {cwd: spec.cwd}),
      })
      child.on('error', () => {})
      orderPipe(child)?.on('error', () => {})
      orderPipe(child)?.unref()
      child.unref()
      this.#process = child
    } catch {
      this.#process = undefined
    }
  }
}

const orderPipe = (child: ChildProcess): Socket | undefined => (child.stdio[orderFd] ?? undefined) as Socket | undefined

/** True if the child would be the same whether a shell becomes it or a process is started for it. */
function canWaitInShell({spec, lateVariable}: ReadyChildOptions): boolean {
  const {argv, env, shape, cwd} = spec
  const [file] = argv
  const isFound = file.includes('/') ? isExecutable(file) : findOnPath(file, env.PATH ?? '') !== undefined
  const canKeep = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !shellsOwn.has(name)
  return (
    shape === 'group' &&
    !file.startsWith('-') &&
    (cwd === undefined || !file.includes('/')) &&
    isFound &&
    [lateVariable, ...Object.keys(env)].every(canKeep) &&
    isDash() &&
    (env[folder] === undefined || isSameFolder(env[folder], cwd ?? '.'))
  )
}

/** True if the shell is dash, which leaves all environment variables except those of `shellsOwn` unchanged. */
function isDash(): boolean {
  try {
    return basename(realpathSync(shell)) === 'dash'
  } catch {
    return false
  }
}

function isSameFolder(one: string, other: string): boolean {
  try {
    const [first, second] = [statSync(one), statSync(other)]
    return one.startsWith('/') && first.ino === second.ino && first.dev === second.dev
  } catch {
    return false
  }
}
