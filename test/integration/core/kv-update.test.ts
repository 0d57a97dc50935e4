import {describe, expect, it} from 'vitest'
import {
  type ConsulClient,
  createClient,
  createViewRegistry,
  isBatonError,
  jsonReplacer,
  kvPrefix,
} from '../../../src/index.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'

const numberOf = (value: Buffer | undefined): number => Number(value?.toString() ?? 0)

describe.each(backends)('kv.update on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const client = (): ConsulClient => createClient({address: agent.address})

  it('applies every one of many concurrent changes, and keeps the flags', async () => {
    await using consul = client()
    const key = `${leaks.prefix}counter`
    await consul.kv.put(key, '0', {flags: 7n})
    const changes = Array.from({length: 20}, () => consul.kv.update(key, entry => String(numberOf(entry?.value) + 1)))
    const results = await Promise.all(changes)
    expect(results.every(({isWritten}) => isWritten)).toBe(true)
    expect(new Set(results.map(({value}) => numberOf(value))).size).toBe(20)
    const {value} = await consul.kv.get(key)
    expect([value?.value.toString(), value?.flags]).toEqual(['20', 7n])
    await consul.kv.delete(key)
  })

  it('creates a missing key, does not write an unchanged value, and reports the number of writes', async () => {
    await using consul = client()
    const key = `${leaks.prefix}new`
    expect(await consul.kv.update(key, () => undefined)).toEqual({isWritten: false, value: undefined, attempts: 0})
    expect(await consul.kv.update(key, async () => 'grüße')).toEqual({
      isWritten: true,
      value: Buffer.from('grüße'),
      attempts: 1,
    })
    expect(await consul.kv.update(key, () => undefined)).toMatchObject({value: Buffer.from('grüße'), attempts: 0})
    await consul.kv.delete(key)
  })

  it('rejects with a conflict after its last attempt, and with any error that `change` throws', async () => {
    await using consul = client()
    const key = `${leaks.prefix}contended`
    let writes = 0
    const change = async (): Promise<string> => {
      // Each write has a different value, because Consul ignores a write that does not change the
      // value.
      writes += 1
      await consul.kv.put(key, `${writes} of another writer`)
      return 'mine'
    }
    const error = await consul.kv.update(key, change, {attempts: 3}).catch((thrown: unknown) => thrown)
    expect(isBatonError(error, 'BATON_CAS_CONFLICT')).toBe(true)
    expect(error).toMatchObject({details: {key, attempts: 3}})
    const failing = consul.kv.update(key, () => {
      throw new Error('not today')
    })
    await expect(failing).rejects.toThrow('not today')
    expect((await consul.kv.get(key)).value?.value.toString()).toBe('3 of another writer')
    await consul.kv.delete(key)
  })

  it('rejects with the reason of its signal when the signal aborts', async () => {
    await using consul = client()
    const key = `${leaks.prefix}cancelled`
    const stop = new AbortController()
    const change = (): string => {
      stop.abort(new Error('enough'))
      return 'never written'
    }
    await expect(consul.kv.update(key, change, {signal: stop.signal})).rejects.toThrow('enough')
    expect((await consul.kv.get(key)).value).toBeUndefined()
  })

  it('resolves to snapshots that JSON.stringify can write, with and without `jsonReplacer`', async () => {
    await using consul = client()
    const key = `${leaks.prefix}text`
    await consul.kv.put(key, 'é')
    const snapshot = await consul.kv.get(key)
    const parsed = JSON.parse(JSON.stringify(snapshot, jsonReplacer)) as {index: string; value: {value: string}}
    expect(parsed.index).toBe(String(snapshot.index))
    expect(parsed.value.value).toBe(Buffer.from('é').toString('base64'))
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(parsed)
    await using views = createViewRegistry(consul, {lingerMs: 0})
    const view = views.view(kvPrefix(consul, key))
    await using subscription = view.subscribe()
    await subscription.ready
    expect(JSON.stringify(view.current)).toContain('"value":"w6k="')
    await consul.kv.delete(key)
  })
})
