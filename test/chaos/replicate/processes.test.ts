import {describe, expect, it} from 'vitest'
import {contentOf, countingClient, seed} from '../../integration/replicate/support.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('several processes of baton replicate, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const address = () => agent.addresses.get('dc2')!
  const pairs = (prefix: string, names: readonly string[], value = '1') =>
    names.map(name => ({key: prefix + name, value: Buffer.from(value)}))

  it('delete exactly the approved keys even after a kill before or during the deletes', async () => {
    await using client = countingClient(address())
    const names = Array.from({length: 150}, (_, at) => `${at}`)
    await seed(client, 'dc1', pairs('kap/', ['alive']))
    await seed(client, 'dc2', pairs('kap-copy/', ['alive', ...names]))
    const args = ['replicate', 'kap/@dc1:kap-copy/']
    const held = await runCli([...args, '--once'], {agent: {address: address()}})
    const id = /replicate approve ([0-9a-f]{8})/.exec(held.stderr)?.[1]
    expect(id, held.stderr).toBeDefined()
    // After the deletes were held back for approval, the source has the key 7 again, so an approval does not apply to
    // this key.
    await seed(client, 'dc1', pairs('kap/', ['7']))
    await using proxy = await HttpProxy.start(address())
    for (const deletesBefore of [0, 1]) {
      const command = startCli(args, {agent: proxy})
      let deletes = 0
      using _kill = proxy.on({method: 'PUT', path: '/v1/txn', body: /delete-cas/}, () => {
        deletes += 1
        if (deletes > deletesBefore) command.killGroup('SIGKILL')
        return deletes > deletesBefore ? 'hang' : 'pass'
      })
      if (deletesBefore === 0) await runCli(['replicate', 'approve', id!], {agent: {address: address()}})
      await command.processExit
    }
    const left = async () => [...(await contentOf(client, 'dc2', 'kap-copy/')).keys()]
    expect((await left()).length).toBeGreaterThan(2)
    const last = await runCli([...args, '--once'], {agent: {address: address()}})
    expect(await left()).toEqual(['7', 'alive'])
    expect(last.exitCode, last.stderr).toBe(0)
  })

  it('do not write after a pause during which another process has acquired the lock', async () => {
    await using client = countingClient(address())
    await seed(client, 'dc1', pairs('pau/', ['a', 'b']))
    const start = () =>
      startCli(['replicate', 'pau/@dc1:pau-copy/', '--lock', 'pau-lock', '-v'], {agent: {address: address()}})
    const read = async (name: string) => (await client.kv.get(`pau-copy/${name}`)).value?.value.toString()
    const first = start()
    await waitUntil(async () => (await read('b')) === '1', {what: 'the first copy'})
    first.killGroup('SIGSTOP')
    const lock = await client.kv.get('pau-lock/.lock')
    await client.session.destroy(lock.value!.session!)
    const second = start()
    await second.waitForOutput(/standing by|written/)
    await seed(client, 'dc1', pairs('pau/', ['a'], '2'))
    // The second process gets the lock only after Consul's lock-delay.
    await waitUntil(async () => (await read('a')) === '2', {what: 'the copy of the second one', timeoutMs: 60_000})
    const index = (await client.kv.get('pau-copy/a')).value?.modifyIndex
    first.killGroup('SIGCONT')
    await first.waitForOutput(/the lock is lost|standing by/, {timeoutMs: 60_000})
    expect((await client.kv.get('pau-copy/a')).value?.modifyIndex).toBe(index)
    for (const each of [first, second]) {
      each.killGroup('SIGKILL')
      await each.processExit
    }
  })
})
