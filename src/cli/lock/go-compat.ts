import {
  CancelledError,
  ChildError,
  ConflictError,
  ConsulError,
  isBatonError,
  LockLostError,
  LockNotAcquiredError,
  messageOf,
} from '../../core/errors.js'
import type {AnyLockEvent} from './event-lines.js'

/**
 * How the Go tool reacts to an error. Its exit code is 0 if a child was started, however the child ended.
 */
export interface GoAnswer {
  readonly exit: 0 | 1 | 2
  /** Line for stderr; undefined if there is none. */
  readonly line: string | undefined
}

/** Returns the name that the Go tool gives to its sessions. */
export const goSessionName = (words: readonly string[], prefix: string): string =>
  `Consul lock for '${words.join(' ')}' at '${prefix}'`

/** Returns the line that `-verbose` prints on stdout, if the event has one. */
export function toGoLine(event: AnyLockEvent): string | undefined {
  switch (event.type) {
    case 'lock.acquired':
      return 'Starting handler'
    case 'lock.lost':
      return 'Lock lost, killing child'
    case 'child.signalled':
      return event.why === 'stop-signal' ? 'Shutdown triggered, killing child' : undefined
    case 'child.exited':
      return 'Child terminated, releasing lock'
    case 'lock.released':
      return event.report.error === undefined ? 'Cleanup succeeded' : undefined
    default:
      return undefined
  }
}

class AgentQueryError extends Error {}

/**
 * Throws an error that marks a failure of the first request to the agent, for which the Go tool has
 * a text of its own.
 */
export function rethrowAsAgentError(cause: unknown): never {
  throw new AgentQueryError(toGoText(cause), {cause})
}

export function toGoAnswer(error: unknown, facts: {readonly isChildCodeWanted: boolean}): GoAnswer {
  if (error instanceof AgentQueryError) return {exit: 1, line: `Error querying Consul agent: ${error.message}`}
  if (error instanceof LockLostError) return {exit: 0, line: undefined}
  if (error instanceof ChildError) {
    const line = `Error starting handler: ${error.message}`
    return {exit: facts.isChildCodeWanted ? 2 : 0, line}
  }
  if (error instanceof LockNotAcquiredError || error instanceof CancelledError) {
    return {exit: 1, line: 'Shutdown triggered or timeout during lock acquisition'}
  }
  if (isBatonError(error, 'BATON_USAGE') || isBatonError(error, 'BATON_CONFIG')) return {exit: 1, line: error.message}
  return {exit: 1, line: `Lock acquisition failed: ${step(error)}${toGoText(error)}`}
}

/** Returns the line for a lock that could not be released after the command had run. */
export const toGoReleaseLine = (error: unknown): string => `Lock release failed: ${toGoText(error)}`

/** Returns the text that the Go tool puts before the error, depending on the step that failed. */
function step(error: unknown): string {
  if (!(error instanceof ConsulError)) return ''
  const {method, path} = error.details
  if (path === '/v1/session/create') return 'failed to create session: '
  return method === 'GET' ? 'failed to read lock: ' : 'failed to acquire lock: '
}

/** Returns the text of Go's client for an error. */
function toGoText(error: unknown): string {
  if (error instanceof ConflictError) {
    const {wanted, limit, ours} = error.details
    return limit === undefined
      ? `Existing key does not match ${wanted === 'mutex' ? 'lock' : 'semaphore'} use`
      : `semaphore limit conflict (lock: ${Number(limit)}, local: ${Number(ours)})`
  }
  if (error instanceof ConsulError) {
    const said = error.text === '' ? '' : ` (${error.text})`
    return `Unexpected response code: ${error.status}${said}`
  }
  if (isBatonError(error, 'BATON_CONNECT')) {
    const {peer, why} = error.details
    return `Get "http://${String(peer)}/v1/agent/self": dial tcp ${String(peer)}: connect: ${String(why)}`
  }
  return messageOf(error)
}
