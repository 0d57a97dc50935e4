import {existsSync} from 'node:fs'
import type {Readable, Writable} from 'node:stream'
import {ChildError} from '../core/errors.js'
import type {ChildSpec} from './child-spec.js'
import {type ChildExit, startFailureCode, toChildExit} from './exit-code.js'
import {type Family, isGroupGone, livingMembers, signalFamily} from './family.js'
import {type Launcher, type LaunchFailure, launchByExeca} from './launch.js'
import {type StopOptions, stopFamily} from './stop-family.js'

/** A running child with everything it starts. Its owner stops it: nothing here ends by itself. */
export interface Child {
  readonly pid: number
  readonly family: Family
  /** Resolves when the direct child has ended; others of its family may go on. */
  readonly exited: Promise<ChildExit>
  readonly stdin: Writable | undefined
  readonly stdout: Readable | undefined
  readonly stderr: Readable | undefined
  /** Sends a signal to the whole family. */
  signal(name: NodeJS.Signals): void
  /** Resolves when no member of the family is left. */
  stop(options: Omit<StopOptions, 'clock'>): Promise<void>
  /** True if no member of the family is alive. */
  isGone(): boolean
}

/** Loads what daemons need to start children, so that it is there when it is wanted. */
export const prepareChildren = (): Promise<unknown> => import('execa')

/** Starts a child. Rejects with a ChildError (126, 127) when it cannot be run; then nothing is left running. */
export async function startChild(spec: ChildSpec, launch: Launcher = launchByExeca): Promise<Child> {
  const launched = await launch(spec)
  if (!('child' in launched)) throw startFailure(spec, launched)
  const {child: subprocess, pid} = launched
  let isReaped = false
  let isGone = false
  const exited = new Promise<ChildExit>(resolve => {
    subprocess.once('exit', (code, signal) => {
      isReaped = true
      resolve(toChildExit(code, signal))
    })
  })
  const marker = spec.markedBy === undefined ? undefined : `${spec.markedBy}=${spec.env[spec.markedBy] ?? ''}`
  const family: Family = {rootPid: pid, shape: spec.shape, marker, isRootOurs: () => !isReaped, known: new Map()}
  return {
    pid,
    family,
    exited,
    stdin: subprocess.stdin ?? undefined,
    stdout: subprocess.stdout ?? undefined,
    stderr: subprocess.stderr ?? undefined,
    signal: name => {
      if (!isGone) signalFamily(family, name)
    },
    async stop(stopOptions) {
      if (!isGone) await stopFamily(family, {...stopOptions, clock: spec.clock})
      isGone = true
    },
    isGone() {
      // Once empty, the group's number may be given to strangers: never look again.
      isGone ||= isGroupGone(family) || livingMembers(family).length === 0
      return isGone
    },
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'command not found',
  EACCES: 'permission denied',
  ENOEXEC: 'not a program',
  E2BIG: 'too many words',
  EMFILE: 'too many open files',
  EAGAIN: 'no more processes may be started',
  ENOMEM: 'out of memory',
}

function startFailure(spec: ChildSpec, {code, message}: LaunchFailure): ChildError {
  if (spec.cwd !== undefined && !existsSync(spec.cwd)) {
    return new ChildError(`${spec.argv[0]}: the directory ${spec.cwd} is not there`, {exitCode: 126})
  }
  const why = reasons[code ?? ''] ?? message
  return new ChildError(`${spec.argv[0]}: ${why}`, {
    exitCode: startFailureCode(code),
    ...(code === 'ENOENT' && {hint: 'is it spelled right, and on the PATH?'}),
  })
}
