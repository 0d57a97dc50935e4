import {decodeJson} from '../core/api/json.js'
import type {ConsulClient} from '../core/client.js'
import {messageOf, PermissionError} from '../core/errors.js'
import type {Finding} from './types.js'
import {examineWrites} from './writes.js'

interface RawToken {
  readonly AccessorID: string
  readonly Policies?: readonly {readonly Name: string}[] | null
  readonly ExpirationTime?: string
}

export interface AclOptions {
  readonly hasToken: boolean
  /** The key that the user wants to use. It is read. */
  readonly key: string
}

/** Checks whether ACLs are enabled, whether the cluster knows the token, and what the token may read and write. Writes nothing. */
export async function examineAcl(client: ConsulClient, options: AclOptions): Promise<readonly Finding[]> {
  let token: RawToken
  try {
    const answer = await client.caller.call({method: 'GET', path: '/v1/acl/token/self'})
    token = decodeJson<RawToken>('acl token', answer)
  } catch (error) {
    if (!(error instanceof PermissionError)) {
      return [{check: 'acl', verdict: 'warn', text: `could not be determined: ${messageOf(error)}`, fix: later}]
    }
    if (error.status === 401) return [{check: 'acl', verdict: 'ok', text: 'disabled'}]
    if (!options.hasToken)
      return [
        noToken,
        ...(await examinePermissions(client, options.key)),
        ...(await examineWrites(client, options.key)),
      ]
    return [unknownToken]
  }
  const policies = (token.Policies ?? []).map(({Name}) => Name).join(', ')
  const expires = token.ExpirationTime === undefined ? '' : `, expires ${token.ExpirationTime}`
  const text = `enabled, token ${token.AccessorID} with ${policies === '' ? 'no policy' : policies}${expires}`
  return [
    {check: 'acl', verdict: 'ok', text},
    ...(await examinePermissions(client, options.key)),
    ...(await examineWrites(client, options.key)),
  ]
}

const later = 'ask again later'
const noToken: Finding = {
  check: 'acl',
  verdict: 'warn',
  text: 'enabled, and no token is set',
  fix: 'set CONSUL_HTTP_TOKEN_FILE',
}
const unknownToken: Finding = {
  check: 'acl',
  verdict: 'fail',
  text: 'enabled, and this cluster does not know the token: it refuses every request',
  fix: 'look at the token and at --http-addr: do they belong to the same cluster?',
}

interface Permission {
  readonly name: string
  readonly rule: string
  /** What the user cannot do without the permission. */
  readonly loss: string
  readonly isGiven: () => Promise<boolean>
}

/**
 * Lists the permissions that are missing. Without permission to read a list, Consul returns an empty list. There is
 * always a node, and always the service `consul`, so an empty list of nodes or services means a missing permission. An
 * empty list of sessions or events proves nothing.
 */
async function examinePermissions(client: ConsulClient, key: string): Promise<readonly Finding[]> {
  const folder = key.includes('/') ? key.slice(0, key.lastIndexOf('/') + 1) : key
  const permissions: readonly Permission[] = [
    {
      name: `key ${key}`,
      rule: `key_prefix "${folder}" { policy = "read" }`,
      loss: 'it cannot be read',
      isGiven: async () => {
        await client.kv.get(key)
        return true
      },
    },
    {
      name: 'nodes',
      rule: 'node_prefix "" { policy = "read" }',
      loss: 'exec sees none, and sessions cannot name their node',
      isGiven: async () => (await client.catalog.nodes()).value.length > 0,
    },
    {
      name: 'services',
      rule: 'service_prefix "" { policy = "read" }',
      loss: 'exec, watch and discover see none',
      isGiven: async () => (await client.catalog.services()).value.size > 0,
    },
    {
      name: 'agent',
      rule: 'agent_prefix "" { policy = "read" }',
      loss: 'the version of the agent stays unknown',
      isGiven: async () => {
        await client.agent.self()
        return true
      },
    },
  ]
  const given: string[] = []
  const others: Finding[] = []
  for (const {name, rule, loss, isGiven} of permissions) {
    try {
      if (await isGiven()) given.push(name)
      else others.push({check: 'rights', verdict: 'warn', text: `${name}: no permission to read: ${loss}`, fix: rule})
    } catch (error) {
      const isMissing = error instanceof PermissionError
      const text = `${name}: ${isMissing ? `no permission to read: ${loss}` : `could not be determined: ${messageOf(error)}`}`
      others.push({check: 'rights', verdict: 'warn', text, fix: isMissing ? rule : later})
    }
  }
  const list = given.length === 0 ? [] : [`may read ${given.join(', ')}`]
  return [...list.map(text => ({check: 'rights', verdict: 'ok', text}) as const), ...others]
}
