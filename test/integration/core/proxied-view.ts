import {randomUUID} from 'node:crypto'
import {kvPrefix} from '../../../src/core/query/topics.js'
import type {Clock} from '../../../src/core/types.js'
import {HttpProxy, type RealAnswer, type ScriptedAnswer} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'
import {ViewReader} from './view-reader.js'

/** The same answer with other headers; undefined takes one away. */
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

export interface ProxiedView extends AsyncDisposable {
  readonly proxy: HttpProxy
  readonly reader: ViewReader<unknown, unknown>
  readonly key: string
  readonly consul: ReturnType<typeof raw>
}

/** A view of one existing key behind a proxy, live. */
export async function followThroughProxy(
  address: string,
  prefix: string,
  options: {readonly waitMs?: number; readonly maxStaleMs?: number; readonly clock?: Clock} = {},
): Promise<ProxiedView> {
  const key = `${prefix}${randomUUID()}`
  const consul = raw(address)
  await consul.kvPut(key, '1')
  const proxy = await HttpProxy.start(address)
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
