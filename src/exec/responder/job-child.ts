import {chmod, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {Clock} from '../../core/types.js'
import {type Child, startChild} from '../../process/child.js'
import {Guardian} from '../../process/guardian/guardian.js'
import type {Manifest} from '../native/manifest.js'

export interface JobChildOptions {
  readonly clock: Clock
  readonly node: string
  /** The responder's own environment, of which children receive only a few harmless variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Directory for scripts. Only the responder's user can read the scripts, and they are removed after use. */
  readonly scratchDirectory: string
  /**
   * Program and arguments to put before each command, for instance to run the command as another user. @default none
   */
  readonly wrapper?: readonly string[]
  /** Called if the guardian process, which stops the child if the responder dies, cannot run. */
  readonly onUnguarded: (why: string) => void
}

/** Variables that children receive. None of them contains a token or an address, or changes how programs are loaded. */
const handedOn = ['PATH', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM']
const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Name of the variable that marks the children of one job on one responder. */
const markName = 'BATON_EXEC_MARK'
/**
 * Requests that the guardian process sends when the responder has died. There are none, because the job's session
 * expires by itself.
 */
const noRelease = {target: {}, requests: []}

/**
 * The child of a job. Disposing removes its script and ends its guardian process. Processes that the child left behind
 * keep running.
 */
export interface JobChild extends AsyncDisposable {
  readonly child: Child
}

/** Starts the command of a job. */
export type StartJobChild = (manifest: Manifest, options: JobChildOptions) => Promise<JobChild>

/** Starts the job's command as the leader of its own process group. Rejects with a ChildError if it cannot be run. */
export async function startJobChild(manifest: Manifest, options: JobChildOptions): Promise<JobChild> {
  const env = toChildEnv(manifest, options)
  const shell = env['SHELL'] ?? '/bin/sh'
  const {command} = manifest
  let folder: string | undefined
  // The guardian process is started before the child, because the responder may die while it is starting the child.
  const guardian = new Guardian({
    graceMs: manifest.killAfterMs,
    marker: `${markName}=${env[markName] ?? ''}`,
    searchPath: env['PATH'],
    release: noRelease,
    onFailure: options.onUnguarded,
  })
  const tidy = async (): Promise<void> => {
    guardian.familyIsGone()
    guardian.released()
    if (folder !== undefined) await rm(folder, {recursive: true, force: true})
  }
  try {
    let argv: readonly string[]
    if (command.kind === 'script') {
      folder = await mkdtemp(join(options.scratchDirectory, 'job-'))
      const path = join(folder, 'script')
      await writeFile(path, command.script, {mode: 0o700, flag: 'wx'})
      if (options.wrapper) await letOthersRun(folder, path)
      argv = [shell, '-c', `exec '${path.replaceAll("'", "'\\''")}'`]
    } else argv = command.kind === 'shell' ? [shell, '-c', command.line] : command.argv
    const [program = '', ...words] = [...(options.wrapper ?? []), ...argv]
    const child = await startChild({
      argv: [program, ...words],
      env,
      cwd: '/',
      stdin: 'ignore',
      output: 'pipe',
      shape: 'group',
      markedBy: markName,
      clock: options.clock,
    })
    guardian.watch(child.family)
    return {child, [Symbol.asyncDispose]: tidy}
  } catch (error) {
    await tidy()
    throw error
  }
}

function toChildEnv(manifest: Manifest, {env, node}: JobChildOptions): Record<string, string> {
  const known: Record<string, string> = {PATH: fallbackPath, SHELL: '/bin/sh'}
  for (const name of handedOn) {
    const value = env[name]
    if (value !== undefined && value !== '') known[name] = value
  }
  return {...known, BATON_EXEC_JOB: manifest.id, BATON_EXEC_NODE: node, [markName]: `${manifest.id}/${node}`}
}

/**
 * Lets all users read and run the script, because the wrapper may run it as another user. The path cannot be guessed.
 */
async function letOthersRun(folder: string, path: string): Promise<void> {
  await chmod(folder, 0o711)
  await chmod(path, 0o755)
}
