import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {Clock} from '../../core/types.js'
import {type Child, startChild} from '../../process/child.js'
import type {Manifest} from '../native/manifest.js'

export interface JobChildOptions {
  readonly clock: Clock
  readonly node: string
  /** The responder's own environment: children receive only its harmless variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Directory for scripts. Only the responder's user can read them, and they are removed afterwards. */
  readonly scratchDirectory: string
}

/** Variables that children receive: no tokens, no addresses, nothing that changes how programs load. */
const handedOn = ['PATH', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM']
const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A job's child. Disposing removes its script. */
export interface JobChild extends AsyncDisposable {
  readonly child: Child
}

/** Starts the job's command as the leader of its own process group. Rejects with a ChildError if it cannot be run. */
export async function startJobChild(manifest: Manifest, options: JobChildOptions): Promise<JobChild> {
  const env = toChildEnv(manifest, options)
  const shell = env['SHELL'] ?? '/bin/sh'
  const {command} = manifest
  let folder: string | undefined
  const tidy = async (): Promise<void> => {
    if (folder !== undefined) await rm(folder, {recursive: true, force: true})
  }
  try {
    let argv: readonly string[]
    if (command.kind === 'script') {
      folder = await mkdtemp(join(options.scratchDirectory, 'job-'))
      const path = join(folder, 'script')
      await writeFile(path, command.script, {mode: 0o700, flag: 'wx'})
      argv = [shell, '-c', `exec '${path.replaceAll("'", "'\\''")}'`]
    } else argv = command.kind === 'shell' ? [shell, '-c', command.line] : command.argv
    const [program = '', ...words] = argv
    const child = await startChild({
      argv: [program, ...words],
      env,
      cwd: '/',
      stdin: 'ignore',
      output: 'pipe',
      shape: 'group',
      clock: options.clock,
    })
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
  return {...known, BATON_EXEC_JOB: manifest.id, BATON_EXEC_NODE: node}
}
