import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {responderService} from '../../../src/exec/initiator/targets.js'
import {parseEnvelope} from '../../../src/exec/native/envelope.js'
import {jobsPrefix} from '../../../src/exec/native/layout.js'
import {trustKeys} from '../../../src/exec/native/trust.js'
import type {ExpectedNode, NodeSelector} from '../../../src/exec/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {type ExecSetup, expectNothingLeft, type Followed, followRun, foreign, openExecSetup, ours} from './support.js'

describe.each(backends)('the nodes to which a job is sent on $name', backend => {
  const agent = sharedAgent(backend)
  let setup: ExecSetup
  let folder: ExecSetup['folder']
  let client: ConsulClient

  beforeAll(async () => {
    setup = await openExecSetup(agent.address, [
      {node: 'web1'},
      {node: 'web2'},
      {node: 'wary', trust: trustKeys([foreign.publicFile])},
    ])
    ;({folder, client} = setup)
  })
  afterAll(() => setup[Symbol.asyncDispose]())

  const initiator = () => createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000, via: 'native'})
  const find = async (selector: NodeSelector): Promise<Record<string, ExpectedNode>> => {
    const {nodes} = await initiator().findNodes(selector)
    return Object.fromEntries(nodes.map(one => [one.node, one]))
  }
  const touch = (file: string) => ({command: {kind: 'shell', line: `echo ran >>${folder.path}/${file}`}}) as const
  async function run(file: string, selector: NodeSelector, isDryRun: boolean): Promise<Followed> {
    await using started = await initiator().run(touch(file), selector, {isDryRun})
    return await followRun(started)
  }

  it('are the listed nodes without the excluded ones', async () => {
    expect(Object.keys(await find({names: ['web1', 'web2', 'wary'], excludedNames: ['wary']}))).toEqual([
      'web1',
      'web2',
    ])
    expect(Object.keys(await find({names: ['web1', 'wary'], node: '^web'}))).toEqual(['web1'])
  })

  it('include listed nodes that cannot be reached, with the reason', async () => {
    expect(await find({names: ['web1', 'web9']})).toMatchObject({web1: {via: 'native'}, web9: {absence: 'unknown'}})
    const {outcomes, summary} = await run('named', {names: ['web1', 'web9']}, false)
    expect(outcomes).toEqual({web1: 'ok', web9: 'no-answer'})
    expect(summary.verdict).toBe('silent')
    expect(folder.lines('named')).toEqual(['ran'])
  })

  it('are selected by the health of all their services if the selector asks for it', async () => {
    const byHealth = async (health: 'passing' | 'failing'): Promise<number> => Object.keys(await find({health})).length
    try {
      await client.agent.registerService({id: 'shop', name: 'shop', ttlMs: 600_000, state: 'critical'})
      await waitUntil(async () => (await byHealth('failing')) === 3, {what: 'the failing service'})
      expect(await byHealth('passing')).toBe(0)
      await client.agent.setCheck('service:shop', 'passing')
      await waitUntil(async () => (await byHealth('passing')) === 3, {what: 'the passing service'})
      expect(await byHealth('failing')).toBe(0)
    } finally {
      await client.agent.deregisterService('shop')
    }
  })

  it('report in a dry run whether they would run the job, and run nothing', async () => {
    const {outcomes, summary} = await run('dry', {node: '^w'}, true)
    expect(outcomes).toEqual({web1: 'allowed', web2: 'allowed', wary: 'refused'})
    expect(summary).toMatchObject({verdict: 'refused', isDryRun: true})
    expect(summary.nodes.find(({node}) => node === 'wary')?.outcome).toMatchObject({code: 'unknown-key'})
    expect(folder.lines('dry')).toEqual([])
    await expectNothingLeft(client)
  })

  it('receive a job in the protocol version that they support, but no dry run if that version lacks dry runs', async () => {
    const meta = {responder: 'older', protocol: '1'}
    await client.agent.registerService({id: 'older', name: responderService, meta, ttlMs: 600_000})
    try {
      await waitUntil(async () => (await find({names: ['older']}))['older']?.absence === undefined, {
        what: 'the old one',
      })
      const dry = await run('none', {names: ['older']}, true)
      expect(dry.outcomes).toEqual({older: 'unchecked'})
      await using _started = await initiator().run(touch('mixed'), {names: ['older', 'web1']})
      const versions = await waitUntil(
        async () => {
          const {value} = await client.kv.list(jobsPrefix)
          const payloads = value.flatMap(one => parseEnvelope('baton-exec/1', one.value)?.payload ?? [])
          const manifests = payloads.map(one => JSON.parse(one.toString()) as {v: number; target: {nodes: string[]}})
          return manifests.length === 2 && Object.fromEntries(manifests.map(one => [one.target.nodes.join(), one.v]))
        },
        {what: 'both jobs'},
      )
      expect(versions).toEqual({older: 1, web1: 2})
      await waitUntil(() => folder.lines('mixed').length === 1, {what: 'the newer one to run it'})
    } finally {
      await client.agent.deregisterService('older')
    }
    await expectNothingLeft(client)
  })
})
