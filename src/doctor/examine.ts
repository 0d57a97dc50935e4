import type {ConsulClient} from '../core/client.js'
import {isBatonError, messageOf} from '../core/errors.js'
import {parseAddress} from '../core/http/address.js'
import {examineAcl} from './acl.js'
import {examineAgent} from './agent.js'
import {examineSelf} from './agent-self.js'
import {examineDatacenters, examineResponders} from './cluster.js'
import {examineConnections} from './connections.js'
import {examineKeys, type KeyReport} from './keys.js'
import {examineLock, type LockReport} from './lock.js'
import {examineGuardian, examineNode, examinePlatform, examineToken, type TokenSource} from './machine.js'
import type {Finding} from './types.js'

export interface ExamineOptions {
  readonly client: ConsulClient
  /** Node's version, as in `process.version`. */
  readonly nodeVersion: string
  /** The platform, as in `process.platform`. */
  readonly platform: string
  /** The variable PATH. */
  readonly searchPath: string
  readonly token: TokenSource
  readonly keys: KeyReport
  /** The key that the user wants to use. */
  readonly key: string
  /** Reads the state of the lock that the user wants to use. */
  readonly readLock?: () => Promise<LockReport>
}

/**
 * Checks everything on which baton depends. Only reads. If no agent answers, the checks that need an agent are left
 * out.
 */
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
  const {findings: found, hasAnswered, wasReset, agent} = await examineAgent(client)
  findings.push(...found)
  // Connections are counted even if no agent answered, because an agent resets connections above its limit.
  if (socketPath === undefined && (agent || !hasAnswered)) {
    const limit = agent?.self?.connectionLimit
    findings.push(await examineConnections({host, port, limit, hasAnswered, wasReset}))
  }
  if (!agent) return findings
  if (agent.self) findings.push(...examineSelf(agent.self))
  // Without a leader, each of the requests below would take seconds and then fail.
  if (!agent.hasLeader) return findings
  const permissions = await examineAcl(client, {hasToken: token !== 'none', key: options.key})
  findings.push(...permissions)
  // If the token is unknown, Consul would refuse each of the requests below for this same reason.
  if (permissions.some(({check, verdict}) => check === 'acl' && verdict === 'fail')) return findings
  if (options.readLock) findings.push(...(await lockFindings(options.readLock)))
  const cluster = await Promise.all([examineResponders(client), examineDatacenters(client)])
  return [...findings, ...cluster.flat()]
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
