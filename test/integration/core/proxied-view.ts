import {randomUUID} from 'node:crypto'
import {kvPrefix} from '../../../src/core/query/topics.js'
import type {ViewRegistryOptions} from '../../../src/core/query/view-registry.js'
import type {Clock, KvEntry, Random} from '../../../src/core/types.js'
import {HttpProxy, type RealAnswer, type ScriptedAnswer} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'
import {ViewReader} from './view-reader.js'

/**
 * Returns a function that changes the headers of an answer; an undefined value removes a header.
 */
export const withHeaders =
  (changes: Readonly<Record<string, string | undefined>>) =>
  ({status, headers, body}: RealAnswer): ScriptedAnswer => ({
    status,
    body,
    headers: Object.fromEntries(
      Object.entries({...headers, ...changes}).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)] as const],
      ),
    ),
  })

export const reads = {path: '/v1/kv/'} as const
export const parked = {path: /[?&]index=/} as const
export const consistent = {path: /[?&]consistent/} as const
/** Matches reads that are not consistent, which a server answers even before it has applied its log. */
export const plain = {path: /^(?!.*[?&]consistent)/} as const

/** Returns a list answer in which the only key has an old value and the index is lower. */
export const past =
  (value: string): ((answer: RealAnswer) => ScriptedAnswer) =>
  answer => {
    const [entry] = JSON.parse(answer.body.toString()) as readonly object[]
    const old = {...entry, Value: Buffer.from(value).toString('base64'), ModifyIndex: 1}
    return withHeaders({'x-consul-index': '1'})({...answer, body: Buffer.from(JSON.stringify([old]))})
  }

export interface ProxiedView extends AsyncDisposable {
  readonly proxy: HttpProxy
  readonly reader: ViewReader<readonly KvEntry[], KvEntry>
  readonly key: string
  readonly consul: ReturnType<typeof raw>
}

export interface FollowSetup extends ViewRegistryOptions {
  readonly clock?: Clock
  readonly random?: Random
  /** Called before the first request. */
  readonly prepare?: (proxy: HttpProxy) => void
}

/** Opens a view of one existing key through a proxy, and waits until the view is live. */
export async function followThroughProxy(
  address: string,
  prefix: string,
  {prepare, ...options}: FollowSetup = {},
): Promise<ProxiedView> {
  const key = `${prefix}${randomUUID()}`
  const consul = raw(address)
  await consul.kvPut(key, '1')
  const proxy = await HttpProxy.start(address)
  prepare?.(proxy)
  const reader = new ViewReader(proxy.address, client => kvPrefix(client, key), options)
  await reader.saw(['[initial', `+${key}`, ']1', '!live'])
  await waitUntil(() => proxy.count(parked) > 0, {what: 'a parked query'})
  const dispose = async (): Promise<void> => {
    await reader[Symbol.asyncDispose]()
    await proxy[Symbol.asyncDispose]()
    await consul.kvDelete(key)
  }
  return {proxy, reader, key, consul, [Symbol.asyncDispose]: dispose}
}
