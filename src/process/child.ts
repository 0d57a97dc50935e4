import {existsSync} from 'node:fs'
import type {Readable, Writable} from 'node:stream'
import {briefPath} from '../core/brief.js'
import {ChildError} from '../core/errors.js'
import type {ChildSpec} from './child-spec.js'
import {type ChildExit, startFailureCode, toChildExit} from './exit-code.js'
import {type Family, isGroupGone, livingMembers, signalFamily} from './family.js'
import {type Launcher, type LaunchFailure, launchByExeca} from './launch.js'
import {type StopOptions, stopFamily} from './stop-family.js'

/** A running child with all its descendants; together they are its family. The owner must call `stop`. */
export interface Child {
  readonly pid: number
  readonly family: Family
  /** Resolves when the direct child has ended. Its descendants may still be running. */
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

/** Loads the module with which daemons start children, so that the first start takes no longer than later ones. */
export const prepareChildren = (): Promise<unknown> => import('execa')

/**
 * Starts a child. Rejects with a ChildError if it cannot be run (exit code 126 or 127); no process is left
 * running then.
 */
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
  const {shape, isMarkSearched = false} = spec
  const family: Family = {
    rootPid: pid,
    shape,
    marker,
    isMarkSearched,
    isRootOurs: () => !isReaped,
    known: new Map(),
  }
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
      // Once the group is empty, the kernel may reuse its ID for other processes, so the group is not looked up again.
      isGone ||= isGroupGone(family) || livingMembers(family).length === 0
      return isGone
    },
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'command not found',
  EACCES: 'permission denied',
  ENOEXEC: 'not a program',
  E2BIG: 'too many arguments',
  EMFILE: 'too many open files',
  EAGAIN: 'no more processes can be started',
  ENOMEM: 'out of memory',
}

function startFailure(spec: ChildSpec, {code, message}: LaunchFailure): ChildError {
  const name = briefPath(spec.argv[0])
  if (spec.cwd !== undefined && !existsSync(spec.cwd)) {
    return new ChildError(`${name}: the directory ${spec.cwd} does not exist`, {exitCode: 126})
  }
  const why = reasons[code ?? ''] ?? message
  return new ChildError(`${name}: ${why}`, {
    exitCode: startFailureCode(code),
    ...(code === 'ENOENT' && {hint: 'check its spelling and the PATH'}),
  })
}
