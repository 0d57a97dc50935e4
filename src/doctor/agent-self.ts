import {decodeJson} from '../core/api/json.js'
import type {ConsulClient} from '../core/client.js'
import {locksNode} from '../session/foreign-node.js'
import type {Finding} from './types.js'

/**
 * The parts of an agent's configuration that the agent reports. A field is undefined if the agent does not report
 * it.
 */
export interface SelfReport {
  readonly version: string
  readonly node: string
  readonly datacenter: string
  readonly connectionLimit: number | undefined
  readonly isServer: boolean
  readonly isDevelopment: boolean
  readonly leavesOnTerminate: boolean | undefined
  readonly leavesOnInterrupt: boolean | undefined
  readonly isRemoteExecOff: boolean | undefined
}

interface RawSelf {
  readonly Config?: {
    readonly Version?: string
    readonly NodeName?: string
    readonly Datacenter?: string
    readonly Server?: boolean
  }
  readonly DebugConfig?: {
    readonly HTTPMaxConnsPerClient?: number
    readonly DevMode?: boolean
    readonly LeaveOnTerm?: boolean
    readonly SkipLeaveOnInt?: boolean
    readonly DisableRemoteExec?: boolean
  }
}

/**
 * Resolves with undefined if the token may not read the agent's configuration. Another check reports the missing
 * permission.
 */
export async function readSelf(client: ConsulClient): Promise<SelfReport | undefined> {
  try {
    const answer = await client.caller.call({method: 'GET', path: '/v1/agent/self'})
    const {Config = {}, DebugConfig = {}} = decodeJson<RawSelf>('agent self', answer)
    const {SkipLeaveOnInt} = DebugConfig
    return {
      version: Config.Version ?? 'unknown',
      node: Config.NodeName ?? 'unknown',
      datacenter: Config.Datacenter ?? 'unknown',
      connectionLimit: DebugConfig.HTTPMaxConnsPerClient,
      isServer: Config.Server === true,
      isDevelopment: DebugConfig.DevMode === true,
      leavesOnTerminate: DebugConfig.LeaveOnTerm,
      leavesOnInterrupt: SkipLeaveOnInt === undefined ? undefined : !SkipLeaveOnInt,
      isRemoteExecOff: DebugConfig.DisableRemoteExec,
    }
  } catch {
    return undefined
  }
}

/** Checks whether an agent's configuration suits locks and remote execution. */
export const examineSelf = (self: SelfReport): readonly Finding[] => [
  examineRole(self),
  ...examineRestart(self),
  ...examineRemoteExec(self),
]

function examineRole({isServer, isDevelopment, datacenter}: SelfReport): Finding {
  if (!isServer) return {check: 'role', verdict: 'ok', text: `client agent of ${datacenter}`}
  if (isDevelopment) return {check: 'role', verdict: 'ok', text: `development agent of ${datacenter}: keeps no data`}
  return {
    check: 'role',
    verdict: 'warn',
    text: `server of ${datacenter}: its load and its restarts reach each command directly`,
    fix: 'run a client agent on this machine, and use its address',
  }
}

function examineRestart({leavesOnTerminate, leavesOnInterrupt}: SelfReport): readonly Finding[] {
  if (leavesOnTerminate === undefined && leavesOnInterrupt === undefined) return []
  const signals = [...(leavesOnTerminate === true ? ['TERM'] : []), ...(leavesOnInterrupt === true ? ['INT'] : [])]
  if (signals.length === 0) return [{check: 'restart', verdict: 'ok', text: 'the agent stays a member of the cluster'}]
  return [
    {
      check: 'restart',
      verdict: 'warn',
      text: `the agent leaves the cluster when it is stopped by ${signals.join(' or ')}: sessions of its node end, and locks with them`,
      fix: [
        ...(leavesOnTerminate === true ? ['set leave_on_terminate = false'] : []),
        ...(leavesOnInterrupt === true ? ['set skip_leave_on_interrupt = true'] : []),
        `or register a node ${locksNode}, on which locks keep their sessions`,
      ].join(', '),
    },
  ]
}

function examineRemoteExec({isRemoteExecOff}: SelfReport): readonly Finding[] {
  if (isRemoteExecOff === undefined) return []
  if (!isRemoteExecOff) {
    return [
      {
        check: 'rexec',
        verdict: 'warn',
        text: 'remote execution is on: any token that may write events and _rexec/ runs commands as the user of the agent',
        fix: 'set disable_remote_exec = true, and run baton responder, which runs signed jobs',
      },
    ]
  }
  return [
    {
      check: 'rexec',
      verdict: 'ok',
      text: 'remote execution of the agent is off: baton exec reaches this node by a responder only',
    },
  ]
}
