import {missingRules} from '../api/acl-authorize.js'
import {decodeJson} from '../api/json.js'
import {txnOperationLimit} from '../consul-constants.js'
import {ConsulError} from '../errors.js'
import type {Caller} from '../http/caller.js'
import type {CallOptions} from '../types.js'

/** Kinds of items, with the form of their keys: the KV key, the node's name, `node/service ID` or `node/check ID`. */
export type ItemKind = 'key' | 'node' | 'service' | 'check'

/**
 * Resolves with true if one of these items, which are missing from an answer, exists but the token may not
 * read it. Awaits `pace` before each request.
 */
export type HiddenProbe = (keys: readonly string[], options: CallOptions, pace: () => Promise<void>) => Promise<boolean>

interface RawTxn {
  readonly Results: readonly unknown[] | null
  readonly Errors: readonly {readonly OpIndex: number; readonly What: string}[] | null
}

const rounds = 3

/**
 * Returns a function that finds out whether items that are missing from a list were deleted or are hidden from the
 * token. It sends a read transaction. Consul's answer names each item that does not exist, contains each item that the
 * token may read, and silently omits the others. If the items do not fit in one transaction, only some of them are
 * read.
 */
export function hiddenProbe(caller: Caller, kind: ItemKind, scope: CallOptions = {}): HiddenProbe {
  return async (keys, options, pace) => {
    const settings = {...scope, ...options}
    let open = sample(keys, kind).flatMap(key => toReads(kind, key, settings))
    for (let round = 0; round < rounds && open.length > 0; round += 1) {
      const body = Buffer.from(JSON.stringify(open))
      const call = {method: 'PUT', path: '/v1/txn', query: {consistent: true}, body, accept: [200, 409]} as const
      await pace()
      const answer = await caller.call(call, settings)
      const raw = decodeJson<RawTxn>('txn', answer)
      if (answer.status === 200) return (raw.Results ?? []).length < open.length
      const errors = raw.Errors ?? []
      if (errors.length === 0 || errors.some(({What}) => !What.includes("doesn't exist"))) return true
      const absent = new Set(errors.map(error => error.OpIndex))
      open = open.filter((_, at) => !absent.has(at))
    }
    return false
  }
}

/**
 * Returns a function that finds out whether missing names of services are hidden from the token. No transaction reads a
 * service by its name alone, so the agent is asked which names the token may read.
 */
export function hiddenNamesProbe(caller: Caller, scope: CallOptions = {}): HiddenProbe {
  return async (names, options, pace) => {
    const rules = sample(names, 'key').map(segment => ({resource: 'service', segment, access: 'read'}) as const)
    await pace()
    try {
      return (await missingRules(caller, rules, {...scope, ...options})).length > 0
    } catch (error) {
      // The agent answers with this status if ACLs are disabled; then nothing is hidden.
      if (error instanceof ConsulError && error.status === 401) return false
      throw error
    }
  }
}

function sample(keys: readonly string[], kind: ItemKind): readonly string[] {
  const most = kind === 'service' || kind === 'check' ? txnOperationLimit / 2 : txnOperationLimit
  if (keys.length <= most) return keys
  const step = (keys.length - 1) / (most - 1)
  return Array.from({length: most}, (_, at) => keys[Math.round(at * step)] ?? '')
}

/** A list contains a service or a check only if the token may also read its node. */
function toReads(kind: ItemKind, key: string, {namespace, partition}: CallOptions): readonly object[] {
  const Verb = 'get'
  const place = {...(namespace && {Namespace: namespace}), ...(partition && {Partition: partition})}
  if (kind === 'key') return [{KV: {Verb, Key: key, ...place}}]
  const nodeRead = (Node: string): object => ({Node: {Verb, Node: {Node, ...(partition && {Partition: partition})}}})
  if (kind === 'node') return [nodeRead(key)]
  const slash = key.indexOf('/')
  const [node, id] = [key.slice(0, slash), key.slice(slash + 1)]
  const itemRead =
    kind === 'service'
      ? {Service: {Verb, Node: node, Service: {ID: id, ...place}}}
      : {Check: {Verb, Check: {Node: node, CheckID: id, ...place}}}
  return [itemRead, nodeRead(node)]
}
