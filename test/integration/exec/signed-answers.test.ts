import {appendFileSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {InitiatorOptions} from '../../../src/exec/initiator/options.js'
import {responderService} from '../../../src/exec/initiator/targets.js'
import {answerRoot} from '../../../src/exec/native/layout.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {type ExecSetup, followRun, openExecSetup, ours} from './support.js'

describe.each(backends)('the answers of responders on $name', backend => {
  const agent = sharedAgent(backend)
  let setup: ExecSetup
  let folder: ExecSetup['folder']
  let client: ConsulClient

  beforeAll(async () => {
    setup = await openExecSetup(agent.address, [{node: 's1'}, {node: 's2'}])
    ;({folder, client} = setup)
  })
  afterAll(() => setup[Symbol.asyncDispose]())

  const known = (): string => join(folder.path, 'known')
  const initiate = (options: Partial<InitiatorOptions> = {}) =>
    createInitiator(client, {
      keys: [ours.key],
      ackTimeoutMs: 20_000,
      via: 'native',
      knownRespondersFile: known(),
      ...options,
    })
  const shell = (line: string) => ({command: {kind: 'shell', line}}) as const

  it("are signed with the responder's own key, and are ignored if they are forged", async () => {
    const go = join(folder.path, 'go')
    const line = `echo true output; while [ ! -e ${go} ]; do sleep 0.05; done; exit 3`
    await using run = await initiate().run(shell(line), {names: ['s1', 's2']})
    const root = answerRoot({version: 2, id: run.id, node: 's1'})
    const {events, outcomes, output, summary} = await followRun(run, event => {
      if (event.type !== 'output' || event.node !== 's1') return
      const forge = async (): Promise<void> => {
        await client.kv.put(`${root}o/000001`, Buffer.from('{"v":1,"s":[[1,5]]}\nlies\n'))
        await client.kv.put(`${root}r`, Buffer.from('{"v":1,"code":0,"frames":2}'))
        const signed = (await client.kv.get(`${root}o/000000`)).value?.value ?? Buffer.alloc(0)
        await client.kv.put(`${root}o/000002`, signed)
      }
      forge().then(
        () => setTimeout(() => writeFileSync(go, ''), 300),
        () => {},
      )
    })
    expect(outcomes).toEqual({s1: 'failed', s2: 'failed'})
    expect(output).toEqual({s1: 'true output\n', s2: 'true output\n'})
    expect(events.filter(event => event.type === 'forged')).toHaveLength(1)
    expect(summary.nodes.map(({isSigned}) => isSigned)).toEqual([true, true])
  })

  it('are accepted only from responders whose key has not changed since the first run', async () => {
    await using first = await initiate().run(shell('true'), {names: ['s1', 's2']})
    expect((await followRun(first)).summary.verdict).toBe('ok')
    const [line = ''] = readFileSync(known(), 'utf8')
      .split('\n')
      .filter(one => one.includes('/s1 '))
    const changed = join(folder.path, 'changed')
    appendFileSync(changed, `${line.replace(/ .*/, ' AAAA')}\n`)
    await using other = await initiate({knownRespondersFile: changed, isListOnly: true}).run(shell('true'))
    const {summary} = await followRun(other)
    expect(summary.verdict).toBe('refused')
    const codes = summary.nodes.map(({outcome}) => (outcome.type === 'refused' ? outcome.code : outcome.type))
    expect(codes.toSorted()).toEqual(['responder-key-changed', 'responder-key-unknown'])
  })

  it('are unsigned from a responder of an older version, which receives no job if answers must be signed', async () => {
    const meta = {responder: 'older', protocol: '1'}
    await client.agent.registerService({id: 'older', name: responderService, meta, ttlMs: 600_000})
    try {
      const selector = {names: ['older', 's1']}
      await waitUntil(async () => !(await initiate().findNodes(selector)).nodes.some(one => one.absence), {what: 'it'})
      await using strict = await initiate({mustBeSigned: true}).run(shell('true'), selector)
      const {summary, outcomes} = await followRun(strict)
      expect(outcomes).toEqual({older: 'refused', s1: 'ok'})
      expect(summary.nodes.find(({node}) => node === 'older')?.outcome).toMatchObject({code: 'unsigned-answers'})
      await using run = await initiate().run(shell('true'), {names: ['older']})
      const root = answerRoot({version: 1, id: run.id, node: 'older'})
      await client.txn.commit([
        {verb: 'set', key: `${root}a`, value: Buffer.from('{"v":1}')},
        {verb: 'set', key: `${root}r`, value: Buffer.from('{"v":1,"code":0,"frames":0}')},
      ])
      const [result] = (await followRun(run)).summary.nodes
      expect(result).toMatchObject({outcome: {type: 'ok'}, isSigned: false})
    } finally {
      await client.agent.deregisterService('older')
    }
  })
})
