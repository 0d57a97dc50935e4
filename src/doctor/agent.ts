import {decodeJson} from '../core/api/json.js'
import type {ConsulClient} from '../core/client.js'
import {type BatonError, ConsulError, isBatonError, messageOf} from '../core/errors.js'
import {parseAddress} from '../core/http/address.js'
import type {Answer} from '../core/http/caller.js'
import {formatDuration} from '../core/time/duration.js'
import {readSelf, type SelfReport} from './agent-self.js'
import type {Finding} from './types.js'

const slowMs = 500
/**
 * Number of requests, of which the fastest answer counts: the first one also has to connect, and a busy machine can
 * delay any of them.
 */
const attempts = 4
/**
 * Maximum difference between the agent's clock and that of this machine. It allows for the time of an answer, and for
 * the whole seconds of the Date header.
 */
const largestSkewMs = 5000
export interface AgentReport {
  readonly findings: readonly Finding[]
  /** True if something answered at the address, even with an error. */
  readonly hasAnswered: boolean
  /** True if the connection was reset, as an agent does above its limit on connections. */
  readonly wasReset: boolean
  /** Undefined if no agent answered. */
  readonly agent: {readonly hasLeader: boolean; readonly self: SelfReport | undefined} | undefined
}

/**
 * Checks that Consul answers at the address, that it has a leader, and that its clock agrees with that of this machine.
 */
export async function examineAgent(client: ConsulClient): Promise<AgentReport> {
  const {address} = client
  let fastest: TimedAnswer
  let leader: string
  try {
    fastest = await askLeader(client)
    leader = decodeJson<string>('status leader', fastest.answer)
    for (let attempt = 1; attempt < attempts && fastest.latencyMs >= slowMs; attempt += 1) {
      const next = await askLeader(client)
      if (next.latencyMs < fastest.latencyMs) fastest = next
    }
  } catch (error) {
    const fix = isBatonError(error) ? howToAnswer(error) : undefined
    const finding: Finding = {check: 'agent', verdict: 'fail', text: messageOf(error), ...(fix !== undefined && {fix})}
    const hasAnswered = error instanceof ConsulError || isBatonError(error, 'BATON_BAD_ANSWER')
    return {findings: [finding], hasAnswered, wasReset: isReset(error), agent: undefined}
  }
  const {latencyMs} = fastest
  const self = await readSelf(client)
  const identity = self ? ` (Consul ${self.version}, node ${self.node})` : ''
  const text = `${address} answered in ${formatDuration(latencyMs)}${identity}`
  const findings: Finding[] = [
    latencyMs < slowMs
      ? {check: 'agent', verdict: 'ok', text}
      : {check: 'agent', verdict: 'warn', text, fix: howToBeFaster(address)},
    leader === ''
      ? {
          check: 'leader',
          verdict: 'fail',
          text: 'none: the servers have no quorum',
          fix: 'see consul operator raft list-peers',
        }
      : {check: 'leader', verdict: 'ok', text: leader},
    ...examineClock(fastest),
  ]
  return {findings, hasAnswered: true, wasReset: false, agent: {hasLeader: leader !== '', self}}
}

const isReset = (error: unknown): boolean => isBatonError(error) && error.details['code'] === 'ECONNRESET'

/** Returns advice for some errors. It replaces their usual hint, which suggests running doctor. */
function howToAnswer(error: BatonError): string | undefined {
  const {hint} = error
  if (isReset(error)) return 'this machine may hold too many connections: see the next line'
  if (hint === undefined && error instanceof ConsulError && error.status >= 500)
    return 'the agent does not reach the servers: see consul members, and the log of the agent'
  return hint
}

interface TimedAnswer {
  readonly answer: Answer
  readonly latencyMs: number
  /** Wall time at which the answer arrived. */
  readonly atMs: number
}

async function askLeader({caller, clock}: ConsulClient): Promise<TimedAnswer> {
  const startMs = clock.monotonicMs()
  const answer = await caller.call({method: 'GET', path: '/v1/status/leader'})
  return {answer, latencyMs: clock.monotonicMs() - startMs, atMs: clock.wallMs()}
}

function howToBeFaster(address: string): string {
  const {hostname, socketPath} = parseAddress(address)
  const isHere = socketPath !== undefined || /^(?:localhost$|\[?::1\]?$|127\.)/.test(hostname)
  return isHere ? 'see what keeps this machine or its agent busy' : 'use an agent on this machine'
}

function examineClock({answer, atMs}: TimedAnswer): Finding[] {
  const theirMs = Date.parse(answer.headers.get('date') ?? '')
  if (Number.isNaN(theirMs)) return []
  const skewMs = atMs - theirMs - 500
  if (Math.abs(skewMs) <= largestSkewMs) return [{check: 'clock', verdict: 'ok', text: 'agrees with the agent'}]
  const text = `${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the agent's: signed jobs may count as expired`
  return [{check: 'clock', verdict: 'warn', text, fix: 'synchronise both machines with the same time servers'}]
}
