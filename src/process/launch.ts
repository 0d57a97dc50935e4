import {type ChildProcess, spawn} from 'node:child_process'
import type {ChildSpec} from './child-spec.js'

export interface LaunchFailure {
  readonly code: string | undefined
  readonly message: string
}

/** Starts the process itself. A process that could not be started is an answer. */
export type Launcher = (spec: ChildSpec) => Promise<Launched | LaunchFailure>

/** Boxed, because execa's child is a promise of its own end. */
export interface Launched {
  readonly child: ChildProcess
  readonly pid: number
}

// A child that leads its own session can be killed with everything it started.
const leads = (spec: ChildSpec): boolean => spec.shape === 'group'

/** For commands that start one child and end with it: loading execa would be a fifth of their start-up. */
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

/** For daemons, which start many. */
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
