import {execFile} from 'node:child_process'
import {findOnPath} from './search-path.js'

type Environment = Readonly<Record<string, string | undefined>>

/** States that a service can report to its service manager, by systemd's names. */
export type ServiceState = 'READY=1' | 'RELOADING=1' | 'STOPPING=1' | 'WATCHDOG=1'

/** Reports the state of this process to the service manager. */
export interface ServiceNotifier {
  /** Interval in milliseconds at which the service manager expects `WATCHDOG=1`; undefined if it expects none. */
  readonly watchdogMs: number | undefined
  /** The reason why messages cannot be sent although a service manager listens; otherwise undefined. */
  readonly problem: string | undefined
  /**
   * Sends a state, and a status line for people. Never rejects, because a lost message is not a failure of the service.
   */
  notify(state: ServiceState | undefined, status?: string): Promise<void>
}

const program = 'systemd-notify'
const sendTimeoutMs = 5000

/**
 * Returns a notifier for the socket that the variable `NOTIFY_SOCKET` names; without the variable, nothing is
 * sent. Node has no Unix datagram sockets, so systemd's program `systemd-notify` sends each message. The unit
 * needs `NotifyAccess=all`, because the messages come from another process.
 */
export function openServiceNotifier(env: Environment, pid: number = process.pid): ServiceNotifier {
  const isHeard = (env['NOTIFY_SOCKET'] ?? '') !== ''
  const path = isHeard ? findOnPath(program, env['PATH'] ?? '') : undefined
  if (path === undefined) {
    const problem = isHeard ? `NOTIFY_SOCKET is set, but ${program} is not on the PATH` : undefined
    return {watchdogMs: undefined, problem, notify: () => Promise.resolve()}
  }
  let last: Promise<void> = Promise.resolve()
  return {
    watchdogMs: watchdogOf(env, pid),
    problem: undefined,
    notify: (state, status) => {
      const words = [
        ...(state === undefined ? [] : [state]),
        ...(status === undefined ? [] : [`STATUS=${status.replaceAll(/\s+/g, ' ')}`]),
        ...(state === 'READY=1' ? [`MAINPID=${pid}`] : []),
      ]
      // Messages are sent one after another, so that they arrive in order.
      last = last.then(() => send(path, words, env))
      return last
    },
  }
}

function send(path: string, words: readonly string[], env: Environment): Promise<void> {
  return new Promise(resolve => {
    const options = {env: {...env}, timeout: sendTimeoutMs, killSignal: 'SIGKILL' as const}
    execFile(path, [...words], options, () => resolve())
  })
}

function watchdogOf(env: Environment, pid: number): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC'] ?? '')
  const isOurs = (env['WATCHDOG_PID'] ?? '') === '' || Number(env['WATCHDOG_PID']) === pid
  return isOurs && Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined
}
