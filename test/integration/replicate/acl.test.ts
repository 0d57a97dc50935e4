import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {startEmbeddedAgent} from '../../../src/embedded/index.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import type {ReplicationPass, ReplicatorOptions} from '../../../src/replicate/types.js'
import {backends} from '../../kit/backend.js'
import {startDevAgent} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, contentOf, countingClient, type Pair, seed} from './support.js'

const root = '5f0e3c2a-0000-4000-8000-000000000001'
const acl = {enabled: true, default_policy: 'deny', tokens: {master: root, default: root, agent: root}}

const startWithAcls = (backend: 'embedded' | 'real'): Promise<AsyncDisposable & {readonly address: string}> =>
  backend === 'real' ? startDevAgent({config: {acl}}) : startEmbeddedAgent({acl: {managementToken: root}})

describe.each(backends)('replication from a source with ACLs, on $name', backend => {
  let policyCount = 0
  let agent: (AsyncDisposable & {readonly address: string}) | undefined
  beforeAll(async () => {
    agent = await startWithAcls(backend.name)
  })
  afterAll(() => agent?.[Symbol.asyncDispose]())

  const admin = () => countingClient(agent!.address, root)
  const pairs = (...keys: string[]): Pair[] => keys.map(key => ({key, value: bytes(key)}))

  async function tokenFor(name: string, rules: string): Promise<string> {
    const consul = raw(agent!.address, {token: root})
    await consul.put('/v1/acl/policy', {Name: name, Rules: rules})
    const {SecretID} = (await consul.put('/v1/acl/token', {Policies: [{Name: name}]})) as {SecretID: string}
    return SecretID
  }

  /**
   * Replicates within one agent as if between two clusters, because the source is read with another
   * token.
   */
  async function once(name: string, rules: string, options: Partial<ReplicatorOptions> = {}) {
    await using source = countingClient(agent!.address, await tokenFor(`${name}-${(policyCount += 1)}`, rules))
    await using destination = admin()
    const mapping = parseMapping(`${name}/:copy-${name}/`, {datacenterRequired: false})
    const [pass] = await createReplicator(destination, {source, mappings: [mapping], ...options}).runOnce()
    return pass!
  }

  it('deletes nothing if ACLs hide the source, and reports that they do', async () => {
    await using client = admin()
    await seed(client, 'dc1', [...pairs('all/1', 'all/2', 'all/3'), ...pairs('copy-all/1', 'copy-all/2', 'copy-all/3')])
    const pass = await once('all', 'key_prefix "elsewhere/" { policy = "read" }')
    expect(pass).toMatchObject({written: 0, deleted: 0, hidden: 3, held: [{reason: 'hidden', count: 3}]})
    expect(pass.held[0]?.message).toBe(
      'replicate all/ -> copy-all/: 3 deletes held: the source has these keys, but the token may not read them: copy-all/1, copy-all/2, copy-all/3',
    )
    // Even after an approval, the source's leader is asked about each key.
    const approved = await once('all', 'key_prefix "elsewhere/" { policy = "read" }', {
      approved: ['all'],
      maxDelete: 'off',
    })
    expect(approved).toMatchObject({deleted: 0, held: [{reason: 'hidden', count: 3}]})
    expect((await contentOf(client, 'dc1', 'copy-all/')).size).toBe(3)
  })

  it('copies even if the token may not write the status keys, and reports that once', async () => {
    await using admins = admin()
    await seed(admins, 'dc1', pairs('bare/1', 'bare/2'))
    const rules = 'key_prefix "bare/" { policy = "read" }\nkey_prefix "copy-bare/" { policy = "write" }'
    await using client = countingClient(agent!.address, await tokenFor('bare', rules))
    const warnings: string[] = []
    const logger = {...client.logger, warn: (_: object, text: string) => void warnings.push(text)}
    const mappings = [parseMapping('bare/:copy-bare/', {datacenterRequired: false})]
    const replicator = createReplicator(client, {mappings, logger, source: client, observer: () => {}})
    for (let round = 0; round < 2; round += 1) {
      const [pass] = await replicator.runOnce()
      expect(pass).toMatchObject({error: undefined, unchanged: round * 2, written: (1 - round) * 2})
    }
    expect(warnings.filter(text => text === 'status not written')).toHaveLength(1)
    expect((await contentOf(admins, 'dc1', 'copy-bare/')).size).toBe(2)
  })

  it('distinguishes hidden keys from absent keys', async () => {
    await using client = admin()
    await seed(
      client,
      'dc1',
      pairs('part/open/1', 'part/secret/1', 'copy-part/open/gone', 'copy-part/secret/1', 'copy-part/secret/gone'),
    )
    const rules = 'key_prefix "part/" { policy = "read" }\nkey_prefix "part/secret/" { policy = "deny" }'
    const pass = await once('part', rules)
    expect(pass).toMatchObject({
      written: 1,
      deleted: 2,
      hidden: 1,
      held: [{reason: 'hidden', sample: ['copy-part/secret/1']}],
    })
    expect([...(await contentOf(client, 'dc1', 'copy-part/')).keys()]).toEqual(['open/1', 'secret/1'])
    // The mapping recovers without another write at the source.
    const healed = await once('part', 'key_prefix "part/" { policy = "read" }')
    expect(healed).toMatchObject({written: 1, deleted: 0, held: []})
    expect((await contentOf(client, 'dc1', 'copy-part/')).size).toBe(2)
  })

  it('copies the keys that its token may write, and lists the others', async () => {
    await using client = admin()
    await seed(client, 'dc1', pairs('w/open', 'w/closed'))
    const rules =
      'key_prefix "copy-w/" { policy = "write" }\nkey "copy-w/closed" { policy = "read" }\nkey_prefix "service/" { policy = "write" }'
    await using destination = countingClient(agent!.address, await tokenFor('writer', rules))
    const statusDir = 'service/w'
    const mapping = parseMapping('w/:copy-w/', {datacenterRequired: false})
    const [pass] = await createReplicator(destination, {source: client, mappings: [mapping], statusDir}).runOnce()
    expect(pass).toMatchObject({
      written: 1,
      refused: [{key: 'copy-w/closed', reason: expect.stringMatching(/Permission denied/)}],
    })
    expect([...(await contentOf(client, 'dc1', 'copy-w/')).keys()]).toEqual(['open'])
    // The index in the status key is just below that of the key that could not be copied.
    const [status] = await raw(agent!.address, {token: root}).kvList('service/w/')
    const closed = await raw(agent!.address, {token: root}).kvGet('w/closed')
    const record = JSON.parse(status!.value) as {LastReplicated: number}
    expect(record.LastReplicated).toBe(closed!.modifyIndex - 1)
  })

  it('keeps reporting keys that are refused or hidden while it copies others of a mapping followed in parts', async () => {
    await using client = admin()
    await seed(client, 'dc1', pairs('r/1', 'r/closed', 'r/secret', 'copy-r/secret'))
    const from = 'key_prefix "r/" { policy = "read" }\nkey "r/secret" { policy = "deny" }'
    const to =
      'key_prefix "copy-r/" { policy = "write" }\nkey "copy-r/closed" { policy = "read" }\nkey_prefix "service/" { policy = "write" }'
    await using source = countingClient(agent!.address, await tokenFor('r-from', from))
    await using destination = countingClient(agent!.address, await tokenFor('r-to', to))
    const mappings = [parseMapping('r/:copy-r/', {datacenterRequired: false})]
    const replicator = createReplicator(destination, {source, mappings, shardAbove: 0, statusDir: 'service/r'})
    const controller = new AbortController()
    const passes = replicator.run({signal: controller.signal})
    const seen: ReplicationPass[] = []
    const ended = (async () => {
      for await (const pass of passes) seen.push(pass)
    })()
    try {
      const hasSeen = (index: bigint) => seen.some(pass => pass.index >= index && pass.written === 1)
      await waitUntil(() => hasSeen(1n), {what: 'the first copy'})
      for (const value of ['one', 'two']) {
        await seed(client, 'dc1', [{key: 'r/1', value: Buffer.from(value)}])
        const {modifyIndex} = (await client.kv.get('r/1')).value!
        await waitUntil(() => hasSeen(modifyIndex), {what: `a pass that copies ${value}`})
      }
      expect(seen.at(-1)).toMatchObject({written: 1, hidden: 1, refused: [{key: 'copy-r/closed'}]})
      expect(replicator.status()).toMatchObject([{hidden: 1, held: 1, refused: 1, equalAtMs: undefined}])
    } finally {
      controller.abort()
      await ended
    }
  })
})
