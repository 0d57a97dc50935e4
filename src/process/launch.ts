import {type ChildProcess, spawn} from 'node:child_process'
import type {ChildSpec} from './child-spec.js'

export interface LaunchFailure {
  readonly code: string | undefined
  readonly message: string
}

/** Starts a process. Resolves to a failure if it could not be started. */
export type Launcher = (spec: ChildSpec) => Promise<Launched | LaunchFailure>

/**
 * A started process. The object is needed because execa's child is also a promise, so that `await` would wait
 * for the child to end.
 */
export interface Launched {
  readonly child: ChildProcess
  readonly pid: number
}

// True if the child leads its own Unix session, so that it can be killed with all its descendants.
const leads = (spec: ChildSpec): boolean => spec.shape === 'group'

/**
 * Launcher for handlers and for commands that start a single child, for which loading execa would take a
 * fifth of the start-up time.
 */
export const launchPlainly: Launcher = async spec => {
  const [file, ...words] = spec.argv
  const output = spec.output ?? 'inherit'
  let child: ChildProcess
  try {
    child = spawn(file, words, {
      env: spec.env,
      stdio: [spec.stdin ?? 'inherit', output, output],
      detached: leads(spec),
      ...(spec.cwd !== undefined && {cwd: spec.cwd}),
    })
  } catch (error) {
    return toFailure(error)
  }
  if (child.pid !== undefined) return {child, pid: child.pid}
  return toFailure(await new Promise(resolve => child.once('error', resolve)))
}

/** Launcher for all other children. */
export const launchByExeca: Launcher = async spec => {
  const {execa} = await import('execa')
  const [file, ...words] = spec.argv
  const output = spec.output ?? 'inherit'
  const subprocess = execa(file, words, {
    env: spec.env,
    extendEnv: false,
    stdin: spec.stdin ?? 'inherit',
    stdout: output,
    stderr: output,
    detached: leads(spec),
    cleanup: false,
    buffer: false,
    reject: false,
    ...(spec.cwd !== undefined && {cwd: spec.cwd}),
  })
  const {pid} = subprocess
  if (pid === undefined) return toFailure(await subprocess)
  return {child: subprocess as unknown as ChildProcess, pid}
}

function toFailure(error: unknown): LaunchFailure {
  const {code, message} = error as {code?: string; message?: string}
  return {code, message: message ?? 'could not be started'}
}
