import type {Caller} from '../http/caller.js'
import type {CallOptions} from '../types.js'
import type {AclRule} from './acl-rule.js'
import {decodeJson, encodeJson} from './json.js'

/**
 * Resolves with those of the given rules that the caller's token does not grant. Consul answers without reading or
 * writing anything. For a prefix rule, Consul checks only the name that equals the prefix. Rejects with a
 * PermissionError if ACLs are disabled (401) or the token is unknown (403), and with a ConsulError if the agent does
 * not serve this request.
 */
export async function missingRules(
  caller: Caller,
  rules: readonly AclRule[],
  options?: CallOptions,
): Promise<readonly AclRule[]> {
  const body = encodeJson(rules.map(({resource, segment, access}) => toRequest(resource, segment, access)))
  const answer = await caller.call({method: 'POST', path: '/v1/internal/acl/authorize', body}, options)
  const answers = decodeJson<readonly {readonly Allow: boolean}[]>('acl authorize', answer)
  return rules.filter((_, at) => answers[at]?.Allow !== true)
}

const toRequest = (Resource: string, Segment: string, Access: string): object => ({Resource, Segment, Access})
