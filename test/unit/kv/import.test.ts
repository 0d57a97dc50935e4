import {describe, expect, it} from 'vitest'
import {ConsulError} from '../../../src/core/errors.js'
import type {KvOperation, TxnResult} from '../../../src/core/types.js'
import type {ExchangeEntry} from '../../../src/kv/exchange.js'
import {importEntries, planImport} from '../../../src/kv/import.js'

type Client = Parameters<typeof importEntries>[0]

const entry = (key: string, value = 'v'): ExchangeEntry => ({key, value: Buffer.from(value), flags: 7n})
const entries = (count: number, value = 'v'): ExchangeEntry[] =>
  Array.from({length: count}, (_, at) => entry(`k/${at}`, value))

/** A store that accepts at most `limit` operations in a transaction. */
class FakeStore {
  readonly store = new Map<string, Buffer>()
  readonly commits: number[] = []
  limit = 64
  refuse: string | undefined

  readonly client = {
    scope: {},
    txn: {commit: (operations: readonly KvOperation[]) => this.#commit(operations)},
    kv: {
      put: async (key: string, value: Uint8Array) => void this.store.set(key, Buffer.from(value)),
      cas: async (key: string, value: Uint8Array) => {
        if (this.store.has(key)) return false
        this.store.set(key, Buffer.from(value))
        return true
      },
      list: async (prefix: string) => ({
        value: [...this.store]
          .filter(([key]) => key.startsWith(prefix))
          .map(([key, value]) => ({key, value, flags: 7n})),
      }),
    },
  } as unknown as Client

  async #commit(operations: readonly KvOperation[]): Promise<TxnResult> {
    this.commits.push(operations.length)
    if (operations.length > this.limit) {
      throw new ConsulError('BATON_TOO_LARGE', 'too many', {status: 413, text: 'too many operations'})
    }
    const errors = operations.flatMap((operation, opIndex) => {
      if (operation.key === this.refuse) return [{opIndex, what: 'Permission denied'}]
      return operation.verb === 'cas' && this.store.has(operation.key)
        ? [{opIndex, what: `failed to set key "${operation.key}", index is stale`}]
        : []
    })
    if (errors.length > 0) return {committed: false, errors, sentAtMs: 0}
    for (const operation of operations) {
      if ('value' in operation) this.store.set(operation.key, Buffer.from(operation.value))
    }
    return {committed: true, entries: [], sentAtMs: 0}
  }
}

describe('an import of keys', () => {
  it('writes everything in order, and reports each step', async () => {
    const fake = new FakeStore()
    const steps: number[] = []
    const result = await importEntries(fake.client, entries(130), {observer: ({keys}) => steps.push(keys.length)})
    expect(result).toEqual({imported: 130, skipped: []})
    expect(steps).toEqual([64, 64, 2])
    expect(fake.store.size).toBe(130)
  })

  it('sends smaller transactions after Consul has refused one as too large', async () => {
    const fake = new FakeStore()
    fake.limit = 20
    await importEntries(fake.client, entries(64))
    expect(fake.store.size).toBe(64)
    expect(fake.commits.filter(count => count <= 20)).toEqual([16, 16, 16, 16])
  })

  it('with isAtomic, writes either all entries or none', async () => {
    const fake = new FakeStore()
    await expect(importEntries(fake.client, entries(65), {isAtomic: true})).rejects.toThrow(
      /do not fit one transaction/,
    )
    expect(fake.store.size).toBe(0)
    const isTooLarge = importEntries(fake.client, [...entries(64), entry('big', 'x'.repeat(600_000))], {isAtomic: true})
    await expect(isTooLarge).rejects.toThrow(/key big: a value of 600000 bytes is more than Consul takes/)
    fake.store.set('k/3', Buffer.from('mine'))
    await expect(importEntries(fake.client, entries(5), {isAtomic: true, isCreateOnly: true})).rejects.toThrow(
      /k\/3: exists/,
    )
    expect(fake.store.size).toBe(1)
  })

  it('with isCreateOnly, does not change existing keys', async () => {
    const fake = new FakeStore()
    fake.store.set('k/3', Buffer.from('mine'))
    const result = await importEntries(fake.client, entries(5), {isCreateOnly: true})
    expect(result).toEqual({imported: 4, skipped: ['k/3']})
    expect(fake.store.get('k/3')?.toString()).toBe('mine')
  })

  it('reports the refused key, and writes no key of the same transaction', async () => {
    const fake = new FakeStore()
    fake.refuse = 'k/2'
    await expect(importEntries(fake.client, entries(5))).rejects.toThrow('import: key k/2: Permission denied')
    expect(fake.store.size).toBe(0)
  })

  it('refuses keys that Consul does not accept before the first write', async () => {
    const fake = new FakeStore()
    await expect(importEntries(fake.client, [...entries(70), entry('/x')])).rejects.toThrow(/begins with/)
    expect(fake.store.size).toBe(0)
  })

  it('is planned by planImport, which lists the change of each key and writes nothing', async () => {
    const fake = new FakeStore()
    fake.store.set('k/0', Buffer.from('v'))
    fake.store.set('k/1', Buffer.from('other'))
    const plan = await planImport(fake.client, entries(3))
    expect(plan.map(row => row.change)).toEqual(['unchanged', 'update', 'create'])
    const careful = await planImport(fake.client, entries(3), {isCreateOnly: true})
    expect(careful.map(row => row.change)).toEqual(['skip', 'skip', 'create'])
    expect(fake.commits).toEqual([])
  })
})
