import {describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {fireEvent} from '../../../src/event/ring/fire.js'
import {parseSpill, resolvePayload, spillPrefix} from '../../../src/event/ring/spill.js'

function fakeClient(eventTime?: bigint) {
  const store = new Map<string, Buffer>()
  const fired: {name: string; payload: Uint8Array | undefined}[] = []
  const client = {
    scope: {},
    agent: {self: async () => ({eventTime})},
    session: {create: async () => ({id: 's', sentAtMs: 0})},
    kv: {
      acquire: async (key: string, value: Uint8Array) => {
        store.set(key, Buffer.from(value))
        return true
      },
      get: async (key: string) => ({value: store.has(key) ? {value: store.get(key)} : undefined}),
    },
    event: {
      fire: async (name: string, payload?: Uint8Array) => {
        fired.push({name, payload})
        return {id: 'id', name}
      },
    },
  } as unknown as ConsulClient
  return {client, store, fired}
}

describe('fireEvent', () => {
  it('sends a payload that fits, and returns how many more bytes would fit', async () => {
    const {client, fired} = fakeClient()
    const {leftBytes, isSpilled} = await fireEvent(client, 'x', {payload: Buffer.from('hello')})
    expect([leftBytes, isSpilled, fired[0]?.payload?.toString()]).toEqual([401, false, 'hello'])
  })

  it("computes the limit exactly if it can read the agent's Lamport time", async () => {
    const {client, fired} = fakeClient(300n)
    await expect(fireEvent(client, 'x', {payload: Buffer.alloc(413)})).rejects.toThrow('is 1 too long: 412 fit')
    expect((await fireEvent(client, 'x', {payload: Buffer.alloc(410)})).leftBytes).toBe(2)
    expect(fired).toHaveLength(1)
  })

  it('refuses a payload that is too large before sending it, and returns the number of excess bytes', async () => {
    const {client, fired} = fakeClient()
    await expect(fireEvent(client, 'x', {payload: Buffer.alloc(500)})).rejects.toThrow(
      'event x: the payload of 500 bytes is at least 86 too long: at most 414 fit with this name and these filters',
    )
    expect(fired).toEqual([])
  })

  it('refuses filters that agents do not accept', async () => {
    const {client, fired} = fakeClient()
    await expect(fireEvent(client, 'x', {tag: 'a'})).rejects.toThrow(
      'Cannot provide tag filter without service filter.',
    )
    await expect(fireEvent(client, 'x', {node: '('})).rejects.toThrow(/^Failed to compile node filter regexp: /)
    await expect(fireEvent(client, '')).rejects.toThrow('Event name must be specified')
    expect(fired).toEqual([])
  })

  it('stores a payload that is too large in KV if an option allows it, and watchers read it from there', async () => {
    const {client, fired} = fakeClient()
    const payload = Buffer.alloc(100_000, 7)
    const {isSpilled} = await fireEvent(client, 'x', {payload, spillTtlMs: 60_000})
    expect(isSpilled).toBe(true)
    const sent = Buffer.from(fired[0]?.payload ?? [])
    expect(sent.length).toBeLessThan(250)
    expect(await resolvePayload(client, sent)).toEqual(payload)
  })

  it('stores a payload in such a way that reading it rejects if it was deleted or replaced', async () => {
    const {client, fired, store} = fakeClient()
    await fireEvent(client, 'x', {payload: Buffer.alloc(1000), spillTtlMs: 60_000})
    const sent = Buffer.from(fired[0]?.payload ?? [])
    const [key = ''] = store.keys()
    store.set(key, Buffer.from('forged'))
    await expect(resolvePayload(client, sent)).rejects.toThrow(/is not the payload that was fired/)
    store.delete(key)
    await expect(resolvePayload(client, sent)).rejects.toThrow(/no longer there/)
  })

  it('never makes watchers read a key outside the prefix for stored payloads', () => {
    const pointer = {baton: 'spill', v: 1, key: `${spillPrefix}a`, size: 1, sha256: 'x'}
    expect(parseSpill(Buffer.from(JSON.stringify(pointer)))).toEqual(pointer)
    expect(parseSpill(Buffer.from(JSON.stringify({...pointer, key: 'secret/token'})))).toBeUndefined()
    expect(parseSpill(Buffer.from(JSON.stringify({...pointer, v: 2})))).toBeUndefined()
    expect(parseSpill(Buffer.from('{"baton"'))).toBeUndefined()
    expect(parseSpill(Buffer.from('hello'))).toBeUndefined()
    expect(parseSpill(undefined)).toBeUndefined()
  })
})
