import type {ConsulClient} from '../core/client.js'
import {isBatonError, messageOf} from '../core/errors.js'
import {parseAddress} from '../core/http/address.js'
import {examineAcl} from './acl.js'
import {defaultConnectionLimit, examineAgent} from './agent.js'
import {examineSelf} from './agent-self.js'
import {examineDatacenters, examineResponders} from './cluster.js'
import {examineConnections} from './connections.js'
import {examineKeys, type KeyReport} from './keys.js'
import {examineLock, type LockReport} from './lock.js'
import {examineGuardian, examineNode, examinePlatform, examineToken, type TokenSource} from './machine.js'
import type {Finding} from './types.js'

export interface ExamineOptions {
  readonly client: ConsulClient
  /** As `process.version` has it. */
  readonly nodeVersion: string
  /** As `process.platform` has it. */
  readonly platform: string
  /** The variable PATH. */
  readonly searchPath: string
  readonly token: TokenSource
  readonly keys: KeyReport
  /** A key that is going to be used. */
  readonly key: string
  /** Reads the state of a lock that is going to be used. */
  readonly readLock?: () => Promise<LockReport>
}

/** Checks everything baton depends on. Reads only. What needs an agent is left out if none answers. */
export async function examine(options: ExamineOptions): Promise<readonly Finding[]> {
  const {client, token} = options
  const findings: Finding[] = [
    examineNode(options.nodeVersion),
    examinePlatform(options.platform),
    examineGuardian(options.searchPath),
    examineToken(token),
    ...examineKeys(options.keys),
  ]
  const {hostname: host, port, socketPath} = parseAddress(client.address)
  const {findings: found, agent} = await examineAgent(client)
  findings.push(...found)
  // Also without an answer: an agent resets each connection above its limit.
  if (socketPath === undefined) {
    const limit = agent?.connectionLimit ?? defaultConnectionLimit
    findings.push(await examineConnections({host, port, limit, isLimitKnown: agent !== undefined}))
  }
  if (!agent) return findings
  if (agent.self) findings.push(...examineSelf(agent.self))
  // Without a leader each of these requests takes seconds and fails.
  if (!agent.hasLeader) return findings
  const permissions = await examineAcl(client, {hasToken: token !== 'none', key: options.key})
  findings.push(...permissions)
  // An unknown token is refused by each of these requests.
  if (permissions.some(({check, verdict}) => check === 'acl' && verdict === 'fail')) return findings
  if (options.readLock) findings.push(...(await lockFindings(options.readLock)))
  return [...findings, ...(await examineResponders(client)), ...(await examineDatacenters(client))]
}

async function lockFindings(readLock: () => Promise<LockReport>): Promise<readonly Finding[]> {
  try {
    return examineLock(await readLock())
  } catch (error) {
    const fix = isBatonError(error) ? error.hint : undefined
    const text = `could not be determined: ${messageOf(error)}`
    return [{check: 'lock', verdict: 'warn', text, ...(fix !== undefined && {fix})}]
  }
}
