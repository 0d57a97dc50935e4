import {randomUUID} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {checks, events, kvKey, kvKeys, kvPrefix, nodes, service, services} from '../../../src/core/query/topics.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'
import {ViewReader} from './view-reader.js'

describe.each(backends)('views on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const consul = (): ReturnType<typeof raw> => raw(agent.address)

  it('report only the differences below a prefix, and report an empty list only after a second read', async () => {
    const {prefix} = leaks
    await consul().kvPut(`${prefix}a`, '1')
    await using reader = new ViewReader(agent.address, client => kvPrefix(client, prefix))
    await reader.saw(['[initial', `+${prefix}a`, ']1', '!live'])
    await consul().kvPut(`${prefix}b`, '1')
    await reader.saw([`+${prefix}b`], 4)
    await consul().kvPut(`${prefix}b`, '1')
    await consul().kvPut(`${prefix}a`, '2')
    await reader.saw([`+${prefix}b`, `+${prefix}a`], 4)
    await consul().kvDelete(prefix, {recurse: true})
    await waitUntil(() => reader.words.length === 8, {what: 'both deletes'})
    expect(reader.words.slice(6).sort()).toEqual([`-${prefix}a`, `-${prefix}b`])
  })

  it('share the unchanged entries of a large list between two answers', async () => {
    const {prefix} = leaks
    const names = Array.from({length: 320}, (_, at) => `${prefix}${String(at).padStart(3, '0')}`)
    for (let at = 0; at < names.length; at += 64) {
      const sets = names.slice(at, at + 64).map(Key => ({KV: {Verb: 'set', Key, Value: 'd'.repeat(120)}}))
      await consul().ok('PUT', '/v1/txn', {body: JSON.stringify(sets)})
    }
    await using client = createClient({address: agent.address})
    const query = kvPrefix(client, prefix)
    const {value: before} = await query.read({})
    await consul().kvPut(names[100]!, 'changed')
    await consul().kvDelete(names[200]!)
    const [{value: after}, {value: alone}] = await Promise.all([query.read({}), query.read({})])
    expect(after).toEqual((await client.kv.list(prefix)).value)
    expect(alone).toEqual(after)
    const shared = new Set(before)
    expect(after[100]?.value.toString()).toBe('changed')
    expect(after.filter(entry => !shared.has(entry)).length).toBeLessThan(120)
    expect(Array.from(query.entries(after), ({key}) => key)).toEqual(names.filter(name => name !== names[200]))
    await consul().kvDelete(prefix, {recurse: true})
    expect((await query.read({})).value).toEqual([])
  })

  it('show the deletion of a whole prefix even if Consul does not wake the query', async () => {
    const {prefix} = leaks
    await consul().kvPut(`${prefix}sub/kept`, '1')
    await consul().kvPut(`${prefix}sub/older`, '1')
    await using reader = new ViewReader(agent.address, client => kvPrefix(client, `${prefix}sub/`), {waitMs: 1000})
    await reader.saw(['[initial', `+${prefix}sub/kept`, `+${prefix}sub/older`, ']2', '!live'])
    await consul().kvDelete(`${prefix}sub/older`)
    await reader.saw([`-${prefix}sub/older`], 5)
    await consul().kvDelete(prefix, {recurse: true})
    // Consul 1.8 does not wake such a query, so the change appears in the next answer, after at most one wait time.
    await reader.saw([`-${prefix}sub/kept`], 6)
  })

  it('report nothing for a missing key while other keys are written', async () => {
    const {prefix} = leaks
    await using reader = new ViewReader(agent.address, client => kvKey(client, `${prefix}missing`))
    await reader.saw(['[initial', ']0', '!live'])
    for (let write = 0; write < 5; write += 1) await consul().kvPut(`${prefix}other`, String(write))
    await consul().kvPut(`${prefix}missing`, 'here')
    await reader.saw([`+${prefix}missing`], 3)
    await consul().kvDelete(`${prefix}missing`)
    await reader.saw([`+${prefix}missing`, `-${prefix}missing`], 3)
    await consul().kvDelete(`${prefix}other`)
  })

  it('show flags exactly even if they exceed 2^53', async () => {
    const {prefix} = leaks
    await consul().kvPut(`${prefix}lock`, 'x', {flags: '18446744073709551615'})
    await using reader = new ViewReader(agent.address, client => kvKey(client, `${prefix}lock`))
    await reader.saw(['[initial', `+${prefix}lock`, ']1', '!live'])
    expect(reader.view.current?.value?.flags).toBe(18446744073709551615n)
    await consul().kvDelete(`${prefix}lock`)
  })

  it('follow the names of keys, which are cut off after a separator', async () => {
    const {prefix} = leaks
    await consul().kvPut(`${prefix}a/1`, '')
    await using reader = new ViewReader(agent.address, client => kvKeys(client, prefix, {separator: '/'}))
    await reader.saw(['[initial', `+${prefix}a/`, ']1', '!live'])
    await consul().kvPut(`${prefix}a/2`, '')
    await consul().kvPut(`${prefix}b`, '')
    await reader.saw([`+${prefix}b`], 4)
    await consul().kvDelete(prefix, {recurse: true})
  })

  it('follow the catalog: services, instances with their checks, and nodes', async () => {
    const name = `web-${randomUUID().slice(0, 8)}`
    await using all = new ViewReader(agent.address, client => services(client))
    await using instances = new ViewReader(agent.address, client => service(client, name))
    await using passing = new ViewReader(agent.address, client => service(client, name, {passing: true}))
    await using critical = new ViewReader(agent.address, client => checks(client, {service: name}))
    await using members = new ViewReader(agent.address, client => nodes(client))
    await waitUntil(
      () => [all, instances, passing, critical, members].every(reader => reader.words.includes('!live')),
      {
        what: 'the first answers',
      },
    )
    const [node = ''] = members.words[1]?.slice(1).split(' ') ?? []
    expect(members.view.current?.value[0]?.modifyIndex).toBeGreaterThan(0n)

    await instances.client.agent.registerService({id: `${name}-1`, name, tags: ['v1'], port: 80, ttlMs: 60_000})
    await all.saw([`+${name}`], all.words.indexOf('!live') + 1)
    await instances.saw([`+${node}/${name}-1`], 3)
    await passing.saw([`+${node}/${name}-1`], 3)
    const fail = `/v1/agent/check/fail/${encodeURIComponent(`service:${name}-1`)}`
    await consul().ok('PUT', fail)
    // The registration of a check and its state may arrive as two separate changes.
    await waitUntil(() => instances.view.current?.value[0]?.checks.some(check => check.status === 'critical'), {
      what: 'the critical check',
    })
    await passing.saw([`+${node}/${name}-1`, `-${node}/${name}-1`], 3)
    await waitUntil(() => critical.view.current?.value.some(check => check.status === 'critical'), {what: 'the check'})
    await instances.client.agent.deregisterService(`${name}-1`)
    await waitUntil(() => instances.words.at(-1) === `-${node}/${name}-1`, {what: 'the end of the instance'})
    await waitUntil(() => all.words.at(-1) === `-${name}`, {what: 'the end of the service'})
  })

  it('deliver each user event once', async () => {
    const name = `deploy-${randomUUID().slice(0, 8)}`
    await using reader = new ViewReader(agent.address, client => events(client, {name}))
    await reader.saw(['[initial', ']0', '!live'])
    const ids: string[] = []
    for (let count = 0; count < 6; count += 1) {
      ids.push((await reader.client.event.fire(name, Buffer.from(String(count)))).id)
      await reader.saw(
        ids.map(id => `+${id}`),
        3,
      )
    }
  })

  it('show a restored snapshot of Consul immediately, not only when the wait time is over', async () => {
    const {prefix} = leaks
    await consul().kvPut(`${prefix}a`, 'saved')
    await using reader = new ViewReader(agent.address, client => kvPrefix(client, prefix))
    await reader.saw(['[initial', `+${prefix}a`, ']1', '!live'])
    const snapshot = await reader.client.caller.call({method: 'GET', path: '/v1/snapshot'})
    await consul().kvPut(`${prefix}a`, 'later')
    await consul().kvPut(`${prefix}b`, 'later')
    await waitUntil(() => reader.view.current?.value.length === 2, {what: 'the later keys'})
    // A query that arrives after the restore would block until its wait time is over, so the test gives it time to
    // arrive first.
    await new Promise(resolve => setTimeout(resolve, 1000))
    await reader.client.caller.call({method: 'PUT', path: '/v1/snapshot', body: snapshot.body})
    const values = (): string[] | undefined => reader.view.current?.value.map(entry => entry.value.toString())
    await waitUntil(() => values()?.join() === 'saved', {what: 'the restored key', detail: () => String(values())})
    expect(reader.words).toContain('[reset')
    await consul().kvDelete(prefix, {recurse: true})
  })

  it('read a constantly changing key at most ten times a second, and show its last value', async () => {
    const {prefix} = leaks
    await using reader = new ViewReader(agent.address, client => kvKey(client, `${prefix}hot`))
    await reader.saw(['[initial', ']0', '!live'])
    const startedAt = performance.now()
    let last = 0
    while (performance.now() - startedAt < 1500) await consul().kvPut(`${prefix}hot`, String(++last))
    await waitUntil(() => reader.view.current?.value?.value.toString() === String(last), {what: 'the last value'})
    const seconds = (performance.now() - startedAt) / 1000
    expect(reader.view.stats.requests).toBeLessThanOrEqual(5 + 10 * seconds)
    expect(reader.view.stats.limitedMs).toBeGreaterThan(0)
    await consul().kvDelete(`${prefix}hot`)
  })

  it('serve 100 queries with at most 64 blocking queries at the same time', async () => {
    const {prefix} = leaks
    const {createClient} = await import('../../../src/core/client.js')
    const {createViewRegistry} = await import('../../../src/core/query/view-registry.js')
    await using client = createClient({address: agent.address})
    await using registry = createViewRegistry(client, {lingerMs: 0})
    const views = Array.from({length: 100}, (_, at) => registry.view(kvKey(client, `${prefix}${at}`)).subscribe())
    await Promise.all(views.map(view => view.ready))
    // The writes do not have to wait for the blocking queries.
    await client.kv.put(`${prefix}x`, Buffer.from('1'))
    await client.kv.delete(`${prefix}x`)
  })
})
