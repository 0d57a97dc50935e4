import {connect} from 'node:net'
import {linkSignal} from '../../core/cancel/link-signal.js'
import {messageOf} from '../../core/errors.js'
import type {Clock} from '../../core/types.js'

/** The target of a periodic check. */
export type ProbeTarget =
  | {
      readonly kind: 'http'
      readonly url: string
      readonly method: string
      readonly headers: readonly (readonly [string, string])[]
      readonly body: string
    }
  | {readonly kind: 'tcp'; readonly address: string}
  | {readonly kind: 'script'; readonly args: readonly [string, ...string[]]}

export interface Probe {
  readonly target: ProbeTarget
  readonly intervalMs: number
  readonly timeoutMs: number
}

export interface ProbeResult {
  readonly status: 'passing' | 'warning' | 'critical'
  readonly output: string
}

/**
 * Runs a program for a script check. The output is the text of both streams, in the order in which it
 * arrived.
 */
export type ScriptRunner = (
  args: readonly [string, ...string[]],
  options: {readonly timeoutMs: number; readonly signal: AbortSignal},
) => Promise<{readonly exitCode: number; readonly output: string; readonly isTimedOut: boolean}>

export interface ProbeContext {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly runScript: ScriptRunner | undefined
}

/** Maximum size of the output that Consul keeps. */
const mostOutput = 4096

/** Runs the check once. An unreachable target is a result, not an error. */
export async function runProbe(probe: Probe, context: ProbeContext): Promise<ProbeResult> {
  const {target, timeoutMs} = probe
  const {clock, signal, runScript} = context
  try {
    if (target.kind === 'script') return await probeScript(target.args, {timeoutMs, signal}, runScript)
    using limit = linkSignal(signal, {clock, timeoutMs, onTimeout: () => new Error(`no answer within ${timeoutMs} ms`)})
    if (target.kind === 'tcp') return await probeTcp(target.address, limit.signal)
    return await probeHttp(target, limit.signal)
  } catch (error) {
    return {status: 'critical', output: describe(target, error)}
  }
}

function describe(target: ProbeTarget, error: unknown): string {
  const {cause} = error as {cause?: unknown}
  const why = messageOf(cause ?? error)
  if (target.kind === 'http') return `${target.method} ${target.url}: ${why}`
  return target.kind === 'tcp' ? `dial tcp ${target.address}: ${why}` : why
}

async function probeHttp(target: ProbeTarget & {kind: 'http'}, signal: AbortSignal): Promise<ProbeResult> {
  const {url, method, headers, body} = target
  const given = new Headers({'user-agent': 'Consul Health Check', accept: 'text/plain, text/*, */*'})
  for (const [name, value] of headers) given.append(name, value)
  const response = await fetch(url, {method, headers: given, signal, ...(body !== '' && {body})})
  const text = (await response.text()).slice(0, mostOutput)
  const status = response.ok ? 'passing' : response.status === 429 ? 'warning' : 'critical'
  return {status, output: `HTTP ${method} ${url}: ${response.status} ${response.statusText} Output: ${text}`}
}

async function probeTcp(address: string, signal: AbortSignal): Promise<ProbeResult> {
  const cut = address.lastIndexOf(':')
  const host = address.slice(0, cut).replace(/^\[|\]$/g, '')
  const socket = connect({host, port: Number(address.slice(cut + 1)), signal})
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
  } finally {
    socket.destroy()
  }
  return {status: 'passing', output: `TCP connect ${address}: Success`}
}

async function probeScript(
  args: readonly [string, ...string[]],
  options: {readonly timeoutMs: number; readonly signal: AbortSignal},
  runScript: ScriptRunner | undefined,
): Promise<ProbeResult> {
  if (!runScript) throw new Error('scripts are not run here')
  const {exitCode, output, isTimedOut} = await runScript(args, options)
  if (isTimedOut) {
    return {status: 'critical', output: `Timed out (${options.timeoutMs / 1000}s) running check`}
  }
  const status = exitCode === 0 ? 'passing' : exitCode === 1 ? 'warning' : 'critical'
  return {status, output: output.slice(-mostOutput)}
}
