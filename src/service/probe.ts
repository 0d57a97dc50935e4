import {connect} from 'node:net'
import type {CheckState} from '../core/api/agent.js'
import {linkSignal} from '../core/cancel/link-signal.js'
import {messageOf} from '../core/errors.js'
import type {Clock} from '../core/types.js'
import {captureOutput} from '../process/capture.js'

/** A health probe of a program. Its results are classified as by Consul's own checks. */
export type Probe =
  /** A GET request: status 2xx is passing, 429 is warning, anything else is critical. */
  | {readonly kind: 'http'; readonly url: string}
  /** A TCP connection, which is passing if it can be opened. */
  | {readonly kind: 'tcp'; readonly host: string; readonly port: number}
  /** A program: exit code 0 is passing, 1 is warning, anything else is critical. */
  | {readonly kind: 'script'; readonly argv: readonly [string, ...string[]]}

/** The result of a probe, with a note of one or more lines. */
export interface ProbeResult {
  readonly state: CheckState
  readonly note: string
}

export interface ProbeContext {
  readonly clock: Clock
  readonly env: Readonly<Record<string, string>>
  /** Time after which an unanswered probe counts as critical. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Maximum size of a check's output in Consul. */
const mostNoteBytes = 4096

/** Returns a name for the probe, for notes and messages. */
function probeName(probe: Probe): string {
  if (probe.kind === 'http') return `HTTP GET ${probe.url}`
  return probe.kind === 'tcp' ? `TCP connect ${probe.host}:${probe.port}` : `script ${probe.argv.at(-1) ?? ''}`
}

/**
 * Runs a probe once. Does not reject, because a failure is a critical result with the reason as its
 * note.
 */
export async function runProbe(probe: Probe, context: ProbeContext): Promise<ProbeResult> {
  const {clock, timeoutMs} = context
  const tooLate = new Error(`no result within ${timeoutMs} ms`)
  using limit = linkSignal(context.signal, {clock, timeoutMs, onTimeout: () => tooLate})
  try {
    if (probe.kind === 'http') return await probeHttp(probe.url, limit.signal)
    if (probe.kind === 'tcp') return await probeTcp(probe, limit.signal)
    return await probeScript(probe.argv, context)
  } catch (error) {
    const why = limit.signal.aborted ? messageOf(limit.signal.reason) : messageOf(error)
    return {state: 'critical', note: `${probeName(probe)}: ${why}`}
  }
}

async function probeHttp(url: string, signal: AbortSignal): Promise<ProbeResult> {
  const {request} = url.startsWith('https:') ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    const call = request(url, {signal, agent: false, headers: {accept: '*/*'}}, response => {
      const {statusCode: status = 0, statusMessage = ''} = response
      const chunks: Buffer[] = []
      let room = mostNoteBytes
      response.on('data', (chunk: Buffer) => {
        if (room > 0) chunks.push(chunk.subarray(0, room))
        room -= chunk.length
      })
      response.on('error', reject)
      response.on('end', () => {
        const state = status >= 200 && status < 300 ? 'passing' : status === 429 ? 'warning' : 'critical'
        const body = Buffer.concat(chunks).toString().trim()
        resolve({state, note: `HTTP GET ${url}: ${status} ${statusMessage}${body === '' ? '' : ` Output: ${body}`}`})
      })
    })
    call.on('error', reject)
    call.end()
  })
}

function probeTcp(
  {host, port}: {readonly host: string; readonly port: number},
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({host, port})
    const onAbort = (): void => void socket.destroy(new Error('the probe was stopped'))
    signal.addEventListener('abort', onAbort, {once: true})
    const finish = (act: () => void): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      act()
    }
    socket.once('connect', () =>
      finish(() => resolve({state: 'passing', note: `TCP connect ${host}:${port}: success`})),
    )
    socket.once('error', error => finish(() => reject(error)))
  })
}

async function probeScript(argv: readonly [string, ...string[]], context: ProbeContext): Promise<ProbeResult> {
  const {env, clock, timeoutMs, signal} = context
  const result = await captureOutput({argv, env, clock, timeoutMs, signal, mostBytes: mostNoteBytes})
  const {exitCode, output, isTimedOut} = result
  if (isTimedOut) return {state: 'critical', note: `script: no result within ${timeoutMs} ms`}
  const state = exitCode === 0 ? 'passing' : exitCode === 1 ? 'warning' : 'critical'
  return {state, note: output.trim() === '' ? `script: exit code ${exitCode}` : output.trim()}
}
