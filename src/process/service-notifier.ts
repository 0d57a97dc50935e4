import {execFile} from 'node:child_process'
import {findOnPath} from './search-path.js'

type Environment = Readonly<Record<string, string | undefined>>

/** States that a service can report to its service manager, by systemd's names. */
export type ServiceState = 'READY=1' | 'RELOADING=1' | 'STOPPING=1' | 'WATCHDOG=1'

/** Reports the state of this process to the service manager. */
export interface ServiceNotifier {
  /** Interval in milliseconds at which the service manager expects `WATCHDOG=1`; undefined if it expects none. */
  readonly watchdogMs: number | undefined
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
 * needs `NotifyAccess=all`, because the messages come from another process. `warn` is called once if messages cannot be
 * sent.
 */
export function openServiceNotifier(
  env: Environment,
  warn: (text: string) => void,
  pid: number = process.pid,
): ServiceNotifier {
  const isHeard = (env['NOTIFY_SOCKET'] ?? '') !== ''
  const path = isHeard ? findOnPath(program, env['PATH'] ?? '') : undefined
  if (path === undefined) {
    if (isHeard) warn(`NOTIFY_SOCKET is set, but ${program} is not on the PATH`)
    return {watchdogMs: undefined, notify: () => Promise.resolve()}
  }
  let last: Promise<void> = Promise.resolve()
  let hasFailed = false
  const report = (failure: string): void => {
    if (!hasFailed) warn(`the service manager gets no messages: ${failure}`)
    hasFailed = true
  }
  return {
    watchdogMs: watchdogOf(env, pid),
    notify: (state, status) => {
      const words = [
        ...(state === undefined ? [] : [state]),
        ...(status === undefined ? [] : [`STATUS=${status.replaceAll(/\s+/g, ' ')}`]),
        ...(state === 'READY=1' ? [`MAINPID=${pid}`] : []),
      ]
      // Messages are sent one after another, so that they arrive in order.
      last = last.then(async () => {
        const failure = await send(path, words, env)
        if (failure !== undefined) report(failure)
      })
      return last
    },
  }
}

/** Resolves with the reason if the message could not be sent, otherwise with undefined. */
function send(path: string, words: readonly string[], env: Environment): Promise<string | undefined> {
  return new Promise(resolve => {
    const options = {env: {...env}, timeout: sendTimeoutMs, killSignal: 'SIGKILL' as const}
    execFile(path, [...words], options, (error, _stdout, stderr) => {
      const said = stderr.trim().split('\n', 1)[0] ?? ''
      resolve(error ? `${program}: ${said === '' ? error.message.split('\n', 1)[0] : said}` : undefined)
    })
  })
}

function watchdogOf(env: Environment, pid: number): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC'] ?? '')
  const isOurs = (env['WATCHDOG_PID'] ?? '') === '' || Number(env['WATCHDOG_PID']) === pid
  return isOurs && Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined
}
