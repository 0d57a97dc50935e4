import {decodeJson} from '../core/api/json.js'
import type {ConsulClient} from '../core/client.js'
import {isBatonError, messageOf} from '../core/errors.js'
import type {Answer} from '../core/http/caller.js'
import {formatDuration} from '../core/time/duration.js'
import type {Finding} from './types.js'

const slowMs = 500
/** The Date header has whole seconds, and an answer takes its time. */
const largestSkewMs = 5000
const defaultConnectionLimit = 200

export interface AgentReport {
  readonly findings: readonly Finding[]
  /** Undefined when nobody answered. */
  readonly agent: {readonly connectionLimit: number; readonly hasLeader: boolean} | undefined
}

/** Is somebody there, is it Consul, has it a leader, does its clock agree with ours? */
export async function examineAgent(client: ConsulClient): Promise<AgentReport> {
  const {address, caller, clock} = client
  const startMs = clock.monotonicMs()
  let answer: Answer
  let leader: string
  try {
    answer = await caller.call({method: 'GET', path: '/v1/status/leader'})
    leader = decodeJson<string>('status leader', answer)
  } catch (error) {
    const fix = isBatonError(error) ? error.hint : undefined
    const finding: Finding = {check: 'agent', verdict: 'fail', text: messageOf(error), ...(fix !== undefined && {fix})}
    return {findings: [finding], agent: undefined}
  }
  const latencyMs = clock.monotonicMs() - startMs
  const self = await readSelf(client)
  const who = self ? ` (Consul ${self.version}, node ${self.node})` : ''
  const text = `${address} answered in ${formatDuration(latencyMs)}${who}`
  const findings: Finding[] = [
    latencyMs < slowMs
      ? {check: 'agent', verdict: 'ok', text}
      : {check: 'agent', verdict: 'warn', text, fix: 'use an agent on this machine'},
    leader === ''
      ? {
          check: 'leader',
          verdict: 'fail',
          text: 'none: the servers have no quorum',
          fix: 'see consul operator raft list-peers',
        }
      : {check: 'leader', verdict: 'ok', text: leader},
    ...examineClock(answer, clock.wallMs()),
  ]
  return {findings, agent: {connectionLimit: self?.connectionLimit ?? defaultConnectionLimit, hasLeader: leader !== ''}}
}

function examineClock(answer: Answer, nowMs: number): Finding[] {
  const theirMs = Date.parse(answer.headers.get('date') ?? '')
  if (Number.isNaN(theirMs)) return []
  const skewMs = nowMs - theirMs - 500
  if (Math.abs(skewMs) <= largestSkewMs) return [{check: 'clock', verdict: 'ok', text: 'agrees with the agent'}]
  const text = `${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the agent's: signed jobs may count as expired`
  return [{check: 'clock', verdict: 'warn', text, fix: 'let both machines follow the same time servers'}]
}

interface RawSelf {
  readonly Config?: {readonly Version?: string; readonly NodeName?: string}
  readonly DebugConfig?: {readonly HTTPMaxConnsPerClient?: number}
}

/** Undefined without the right to read the agent: that is told among the rights. */
async function readSelf(
  client: ConsulClient,
): Promise<{readonly version: string; readonly node: string; readonly connectionLimit: number} | undefined> {
  try {
    const answer = await client.caller.call({method: 'GET', path: '/v1/agent/self'})
    const {Config, DebugConfig} = decodeJson<RawSelf>('agent self', answer)
    return {
      version: Config?.Version ?? 'unknown',
      node: Config?.NodeName ?? 'unknown',
      connectionLimit: DebugConfig?.HTTPMaxConnsPerClient ?? defaultConnectionLimit,
    }
  } catch {
    return undefined
  }
}
