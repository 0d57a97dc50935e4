import {execFile} from 'node:child_process'
import {findOnPath} from './search-path.js'

type Environment = Readonly<Record<string, string | undefined>>

/** What a service can say of itself, by the names of systemd. */
export type ServiceState = 'READY=1' | 'RELOADING=1' | 'STOPPING=1' | 'WATCHDOG=1'

/** Tells the service manager about this process. */
export interface ServiceNotifier {
  /** Interval in milliseconds at which `WATCHDOG=1` is expected; undefined if it is not. */
  readonly watchdogMs: number | undefined
  /**
   * Why messages cannot be sent although the service manager listens. Undefined if they can be sent, or if no manager
   * listens.
   */
  readonly problem: string | undefined
  /** Sends a state, and a line for people. Never rejects: a lost message is not a failure of the service. */
  notify(state: ServiceState | undefined, status?: string): Promise<void>
}

const program = 'systemd-notify'
const sendTimeoutMs = 5000

/**
 * Returns a notifier for `NOTIFY_SOCKET`. Node has no datagram sockets of the Unix domain, so `systemd-notify`, a
 * program of systemd, sends each message. The unit needs `NotifyAccess=all`, because the messages come from another
 * process. Without the variable nothing is sent.
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
      // Messages are sent one after the other, so that they arrive in order.
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
