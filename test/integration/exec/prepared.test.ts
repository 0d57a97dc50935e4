import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {ExecInitiator} from '../../../src/exec/initiator-types.js'
import {addSignatures, judgeSignatures, parseJobFile} from '../../../src/exec/native/job-file.js'
import {trustFromDirectory} from '../../../src/exec/native/trust.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {expectNothingLeft, followRun, foreign, openFolder, ours, startResponder, type TestResponder} from './support.js'

describe.each(backends)('a prepared job on $name', backend => {
  const agent = sharedAgent(backend)
  let folder: Awaited<ReturnType<typeof openFolder>>
  let client: ConsulClient
  let open: TestResponder
  let initiator: ExecInitiator
  const line = (name: string) => ({command: {kind: 'shell' as const, line: `echo ran >>${folder.path}/${name}`}})
  const trust = () => trustFromDirectory(join(folder.path, 'trust'))

  beforeAll(async () => {
    folder = await openFolder()
    client = createClient({address: agent.address})
    await mkdir(join(folder.path, 'trust'), {mode: 0o755})
    for (const {key, publicFile} of [ours, foreign]) {
      const entry = {...(JSON.parse(publicFile) as object), policy: {shell: true, needs_m: 2}}
      await writeFile(join(folder.path, 'trust', `${key.name}.json`), JSON.stringify(entry), {mode: 0o644})
    }
    open = await startResponder(agent.address, {node: 'p1', stateDirectory: folder.path, trust: trust()})
    initiator = createInitiator(client, {keys: [ours.key], via: 'native'})
  })
  afterAll(async () => {
    await expectNothingLeft(client)
    await open[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  /** Ends the sessions of jobs, as Consul would after their TTL. */
  const forget = async (): Promise<void> => {
    for (const {id, name} of (await client.session.list()).value) {
      if (name.startsWith('baton exec')) await client.session.destroy(id)
    }
  }

  it('runs after a second person has also signed it, and is refused with only one signature', async () => {
    const first = await initiator.prepare(line('alone'), {names: ['p1']})
    const alone = await initiator.submit(first.document)
    await using refused = await initiator.attach(alone.id)
    expect((await followRun(refused)).summary.nodes).toMatchObject([{outcome: {code: 'too-few-signatures'}}])

    const prepared = await initiator.prepare(line('both'), {names: ['p1']})
    const signed = await addSignatures(parseJobFile(Buffer.from(prepared.document), 'here'), [foreign.key])
    const verdicts = judgeSignatures(parseJobFile(signed, 'here').envelope, await trust()(), Date.now())
    expect(verdicts.map(({name, verdict}) => [name, verdict])).toEqual([
      ['ours', 'valid'],
      ['foreign', 'valid'],
    ])
    const {id} = await initiator.submit(signed)
    await using run = await initiator.attach(id, {jobTrust: trust()})
    expect([(await followRun(run)).outcomes, run.doubt]).toEqual([{p1: 'ok'}, undefined])
    expect([folder.lines('both'), folder.lines('alone')]).toEqual([['ran'], []])
    await forget()
  })

  it('is written once, so that submitting it again neither repeats it nor undoes a cancel', async () => {
    const both = createInitiator(client, {keys: [ours.key, foreign.key], via: 'native'})
    const {document, id} = await both.prepare(line('again'), {names: ['p1', 'absent']}, {windowMs: 60_000})
    await both.submit(document)
    await waitUntil(() => folder.lines('again').length === 1, {what: 'the job to run'})
    await using cancel = await both.attach(id, {mode: 'cancel'})
    expect((await followRun(cancel)).outcomes).toEqual({p1: 'ok', absent: 'cancelled'})
    await both.submit(document)
    await using late = await startResponder(agent.address, {
      node: 'absent',
      stateDirectory: folder.path,
      trust: trust(),
    })
    await using run = await both.attach(id)
    expect((await followRun(run)).outcomes).toEqual({p1: 'ok', absent: 'cancelled'})
    expect(folder.lines('again')).toEqual(['ran'])
    expect(late.name).toBe('absent')
    await forget()
  })

  it('is refused if it or its session has expired, or if the document is not a prepared job', async () => {
    const {document} = await initiator.prepare(line('late'), {names: ['p1']}, {windowMs: 1})
    await waitUntil(() => Date.now() > parseJobFile(Buffer.from(document), 'here').manifest.expiresAtMs, {
      what: 'the time of the job to pass',
    })
    await expect(initiator.submit(document)).rejects.toMatchObject({code: 'BATON_REFUSED'})
    const orphan = await initiator.prepare(line('late'), {names: ['p1']})
    await forget()
    await expect(initiator.submit(orphan.document)).rejects.toThrow(/too old: Consul has ended its session/)
    await expect(initiator.submit(Buffer.from('{}'))).rejects.toThrow(/not a prepared job/)
    expect(folder.lines('late')).toEqual([])
  })
})
