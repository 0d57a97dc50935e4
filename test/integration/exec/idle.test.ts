import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {fireEvent} from '../../../src/event/ring/fire.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {runPrefix, standingKey} from '../../../src/exec/native/layout.js'
import {trustKeys} from '../../../src/exec/native/trust.js'
import {createResponder} from '../../../src/exec/responder/responder.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy, type SeenRequest} from '../../kit/http-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {expectNothingLeft, followRun, openFolder, ours, startResponder} from './support.js'

describe.each(backends)('an idle responder on $name', backend => {
  const agent = sharedAgent(backend)
  /** True for all requests except the renewal of the health check. */
  const isWork = ({method, path}: SeenRequest): boolean => !(method === 'PUT' && path.startsWith('/v1/agent/check/'))

  it('sends only its blocking query and the renewal of its health check, whatever other clients write', async () => {
    await using folder = await openFolder()
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: agent.address})
    const sentSince = (at: number): string[] =>
      proxy.requests
        .slice(at)
        .filter(isWork)
        .map(({path}) => path)
    /**
     * The writes are spread over more than a second, because a reader that they woke would read at most ten times a
     * second.
     */
    const writeElsewhere = async (): Promise<void> => {
      for (let at = 0; at < 60; at += 1) {
        await client.kv.put(`app/${at}`, Buffer.from('x'))
        await client.kv.put(`${runPrefix('other')}${at}`, Buffer.from('x'))
        await client.kv.put(`baton/exec/v1/ctl/other-${at}`, Buffer.from('x'))
        await client.kv.put(`baton/exec/v1/jobs-of-others/${at}`, Buffer.from('x'))
        await client.clock.sleep(20)
      }
      await fireEvent(client, 'noise')
      const {id} = await client.session.create({ttlMs: 10_000})
      await client.session.destroy(id)
      await client.agent.registerService({id: 'noise', name: 'noise'})
      await client.agent.deregisterService('noise')
      for (const prefix of ['app/', runPrefix('other'), 'baton/exec/v1/ctl/other-', 'baton/exec/v1/jobs-of-others/']) {
        await client.kv.deleteTree(prefix)
      }
    }
    const isParked = (prefix: RegExp) => (): boolean =>
      proxy.requests.some(({path}) => prefix.test(path) && path.includes('index='))
    await using _responder = await startResponder(proxy.address, {node: 'idle', stateDirectory: folder.path})
    const {modifyIndex} = await waitUntil(async () => (await client.kv.get(standingKey)).value, {
      what: 'the standing key',
    })
    const knowsStandingKey = isParked(new RegExp(`/jobs/.*index=${modifyIndex}\\b`))
    await waitUntil(knowsStandingKey, {what: 'the responder to wait for the next job'})
    const whileIdle = proxy.requests.length
    await writeElsewhere()
    expect(sentSince(whileIdle)).toEqual([])

    const line = `while [ ! -e ${folder.path}/go ]; do sleep 0.05; done`
    const initiator = createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000, via: 'native'})
    await using run = await initiator.run({command: {kind: 'shell', line}}, {node: '^idle$'})
    await waitUntil(isParked(/\/ctl\//), {what: 'the responder to wait for a cancel'})
    const whileRunning = proxy.requests.length
    await writeElsewhere()
    expect(sentSince(whileRunning)).toEqual([])
    await run[Symbol.asyncDispose]()
    expect((await followRun(run)).outcomes).toEqual({idle: 'cancelled'})
    await expectNothingLeft(client)
  })

  it('shares its blocking query with the other responders of its client', async () => {
    await using folder = await openFolder()
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: agent.address})
    await using shared = createClient({address: proxy.address})
    const names = Array.from({length: 20}, (_, at) => `many-${at}`)
    const stop = new AbortController()
    let registered = 0
    const served = names.map(node =>
      createResponder(shared, {
        trust: trustKeys([ours.publicFile]),
        stateDirectory: folder.path,
        node,
        observer: ({type}) => {
          if (type === 'responder.registered') registered += 1
        },
      }).serve({signal: stop.signal}),
    )
    await waitUntil(() => registered === names.length, {what: 'all responders'})
    await using run = await createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000}).run(
      {command: {kind: 'argv', argv: ['true']}},
      {node: '^many-'},
    )
    expect((await followRun(run)).outcomes).toEqual(Object.fromEntries(names.map(name => [name, 'ok'])))
    await expectNothingLeft(client)
    const lists = proxy.requests.filter(({path}) => path.startsWith('/v1/kv/baton/exec/v1/jobs/?'))
    const controls = proxy.requests.filter(({path}) => path.startsWith('/v1/kv/baton/exec/v1/ctl/'))
    // Each of them would send at least two of these requests if it followed alone.
    expect(lists.length).toBeLessThan(names.length)
    expect(controls.length).toBeLessThan(names.length)
    stop.abort()
    await Promise.all(served)
  })
})
