import {existsSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {InitiatorOptions} from '../../../src/exec/initiator/options.js'
import type {ExecInitiator} from '../../../src/exec/initiator-types.js'
import {AnswerWriter} from '../../../src/exec/native/answers.js'
import {encodeResult} from '../../../src/exec/native/frames.js'
import {generateKey} from '../../../src/exec/native/keys.js'
import {jobKey, runsPrefix} from '../../../src/exec/native/layout.js'
import {trustKeys} from '../../../src/exec/native/trust.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {
  type ExecSetup,
  expectNothingLeft,
  followRun,
  foreign,
  openExecSetup,
  ours,
  startResponder,
  type TestResponder,
} from './support.js'

const shell = (line: string) => ({kind: 'shell' as const, line})

describe.each(backends)('a detached job on $name', backend => {
  const agent = sharedAgent(backend)
  let setup: ExecSetup
  let folder: ExecSetup['folder']
  let client: ConsulClient
  const known = (): string => join(folder.path, 'known')
  const at = (name: string): string => join(folder.path, name)
  const initiate = (more: InitiatorOptions = {}): ExecInitiator =>
    createInitiator(client, {keys: [ours.key], via: 'native', killAfterMs: 500, knownRespondersFile: known(), ...more})
  const start = (node: string): Promise<TestResponder> =>
    startResponder(agent.address, {node, stateDirectory: folder.path})
  /** Ends the session of the job, as Consul would after the TTL. */
  const forget = async (): Promise<void> => {
    for (const {id} of (await client.session.list()).value) await client.session.destroy(id)
    await expectNothingLeft(client)
  }

  beforeAll(async () => {
    setup = await openExecSetup(agent.address, [{node: 'd1'}, {node: 'd2'}])
    ;({folder, client} = setup)
  })
  afterAll(() => setup[Symbol.asyncDispose]())

  it('continues without its initiator, and another initiator reads its output from the first byte', async () => {
    const line = `echo early; while [ ! -e ${at('go')} ]; do sleep 0.05; done; echo late; [ $BATON_EXEC_NODE = d1 ]`
    const {id, nodes, refused} = await initiate().detach({command: shell(line)}, {names: ['d1', 'd2']})
    expect({nodes, refused}).toEqual({nodes: ['d1', 'd2'], refused: []})
    await waitUntil(async () => (await initiate().list())[0]?.runningCount === 2, {what: 'both nodes to run it'})
    const snapshot = await initiate().attach(id.slice(0, 20), {
      mode: 'snapshot',
      jobTrust: trustKeys([ours.publicFile]),
    })
    expect(snapshot.doubt).toBeUndefined()
    expect(snapshot.job).toMatchObject({id, nodes: ['d1', 'd2'], signers: [ours.key.kid], command: shell(line)})
    const seen = await followRun(snapshot)
    expect(seen.outcomes).toEqual({d1: 'unfinished', d2: 'unfinished'})
    expect(seen.summary.verdict).toBe('unfinished')

    // If the reader leaves, the job continues.
    const leave = new AbortController()
    const left = await initiate().attach(id, {signal: leave.signal})
    leave.abort()
    expect((await followRun(left)).outcomes).toEqual({d1: 'unfinished', d2: 'unfinished'})
    await using attached = await initiate().attach(id)
    writeFileSync(at('go'), '')
    const {summary, output} = await followRun(attached)
    expect(output).toEqual({d1: 'early\nlate\n', d2: 'early\nlate\n'})
    expect(summary).toMatchObject({
      verdict: 'failed',
      nodes: [
        {node: 'd1', outcome: {type: 'ok'}, isSigned: true},
        {node: 'd2', outcome: {type: 'failed', code: 1}, isSigned: true},
      ],
    })
    expect(await initiate().list()).toMatchObject([{id, waitingCount: 0, runningCount: 0, endedCount: 2}])
    await forget()
    await expect(initiate().attach(id)).rejects.toMatchObject({code: 'BATON_USAGE'})
  })

  it('belongs to a session that is never renewed, so that Consul removes the job even if no process is running', async () => {
    const {id} = await initiate().detach(
      {command: shell('echo done')},
      {names: ['d1']},
      {keepMs: 12_000, windowMs: 500},
    )
    await waitUntil(async () => (await initiate().list())[0]?.endedCount === 1, {what: 'the node to end'})
    const {value: sessions} = await client.session.list()
    expect(sessions).toMatchObject([{ttlMs: 12_000, behavior: 'delete', nodeChecks: []}])
    const {value: entries} = await client.kv.list('baton/exec/v1/')
    const held = entries.filter(entry => entry.key.includes(id))
    expect(held.length).toBeGreaterThan(3)
    expect(new Set(held.map(entry => entry.session))).toEqual(new Set([sessions[0]?.id]))
    await forget()
  })

  it('has a timeout that ends its command on every node before Consul removes the job', async () => {
    const {id} = await initiate().detach({command: shell('true')}, {names: ['d1']}, {keepMs: 100_000})
    const job = (await client.kv.get(jobKey(id))).value?.value
    expect(Buffer.from(JSON.parse(String(job)).p, 'base64url').toString()).toContain('"timeout":34500,')
    await forget()
    const most = {keepMs: 100_000, windowMs: 60_000}
    await expect(initiate().detach({command: shell('true'), timeoutMs: 34_501}, {}, most)).rejects.toThrow(/34/)
    await expect(initiate().detach({command: shell('true')}, {}, {keepMs: 60_000})).rejects.toThrow(/no time/)
    await expect(initiate().detach({command: shell('true')}, {}, {keepMs: 86_400_001})).rejects.toThrow(/24h/)
  })

  it('runs on a node that starts while nodes may begin the job, but not on one that starts after the job was cancelled', async () => {
    const line = `touch ${at('ran')}-$BATON_EXEC_NODE`
    const open = {windowMs: 120_000}
    const {id, nodes} = await initiate().detach({command: shell(line)}, {names: ['d1', 'late']}, open)
    expect(nodes.toSorted()).toEqual(['d1', 'late'])
    await using attached = await initiate().attach(id)
    const followed = followRun(attached)
    await waitUntil(() => existsSync(at('ran-d1')), {what: 'the first node'})
    {
      await using _late = await start('late')
      expect((await followed).outcomes).toEqual({d1: 'ok', late: 'ok'})
    }
    expect(existsSync(at('ran-late'))).toBe(true)
    await forget()

    const second = await initiate().detach({command: shell(line)}, {names: ['never']}, open)
    await using cancelled = await initiate().attach(second.id, {mode: 'cancel'})
    expect((await followRun(cancelled)).outcomes).toEqual({never: 'cancelled'})
    await using _never = await start('never')
    await waitUntil(async () => (await initiate().list())[0]?.endedCount === 1, {what: 'the late node to answer'})
    await using shown = await initiate().attach(second.id, {mode: 'snapshot'})
    expect((await followRun(shown)).outcomes).toEqual({never: 'cancelled'})
    expect(existsSync(at('ran-never'))).toBe(false)
    await forget()
  })

  it("can be stopped by another initiator, either with the job's grace period or at once", async () => {
    for (const mode of ['cancel', 'kill'] as const) {
      const line = mode === 'cancel' ? 'sleep 60' : "trap '' TERM; while true; do sleep 0.2; done"
      const settings = mode === 'cancel' ? {} : {killAfterMs: 20_000}
      const {id} = await initiate(settings).detach({command: shell(line)}, {names: ['d1', 'd2']})
      await waitUntil(async () => (await initiate().list())[0]?.runningCount === 2, {what: 'both nodes to run it'})
      await using wrong = await initiate({keys: [foreign.key], killAfterMs: 1}).attach(id, {mode: 'snapshot'})
      expect((await followRun(wrong)).summary.verdict).toBe('unfinished')
      await using stopped = await initiate().attach(id, {mode})
      const {summary, outcomes} = await followRun(stopped)
      expect(outcomes).toEqual({d1: 'cancelled', d2: 'cancelled'})
      expect(summary.nodes.map(({isAcked}) => isAcked)).toEqual([true, true])
      await forget()
    }
  })

  it('shows only output that its responders signed, and cannot be followed if the job itself was changed', async () => {
    const go = at('go-forged')
    const wait = shell(`while [ ! -e ${go} ]; do sleep 0.05; done; echo true output`)
    const {id} = await initiate().detach({command: wait}, {names: ['d1', 'd2']})
    await waitUntil(async () => (await initiate().list())[0]?.runningCount === 2, {what: 'both nodes to run it'})
    const nowMs = Date.now()
    const result = {code: 0, frameCount: 0, outputBytes: 0, droppedBytes: 0, startedAtMs: nowMs, endedAtMs: nowMs}
    const forger = new AnswerWriter({version: 2, id, node: 'd1'}, generateKey('forger', 0).key.privateKey)
    await client.kv.put(`${runsPrefix}d1/${id}/r`, forger.value('r', encodeResult(result)))
    await client.kv.put(`${runsPrefix}ghost/${id}/r`, forger.value('r', encodeResult(result)))
    await using snapshot = await initiate().attach(id, {mode: 'snapshot'})
    expect(snapshot.doubt).toMatch(/is not trusted here/)
    const {events, outcomes} = await followRun(snapshot)
    expect(outcomes).toEqual({d1: 'unfinished', d2: 'unfinished'})
    expect(events.flatMap(({type}) => (type === 'forged' || type === 'foreign' ? [type] : [])).toSorted()).toEqual([
      'foreign',
      'forged',
    ])
    await client.kv.delete(`${runsPrefix}d1/${id}/r`)
    await client.kv.delete(`${runsPrefix}ghost/${id}/r`)
    writeFileSync(go, '')
    await using attached = await initiate().attach(id)
    expect((await followRun(attached)).output).toEqual({d1: 'true output\n', d2: 'true output\n'})

    // Removes a node from the job. Unless this is noticed, a failure of that node would stay hidden.
    const {value: entry} = await client.kv.get(jobKey(id))
    const envelope = JSON.parse(String(entry?.value)) as {p: string}
    const payload = Buffer.from(envelope.p, 'base64url').toString().replace('["d1","d2"]', '["d1"]')
    const changed = JSON.stringify({...envelope, p: Buffer.from(payload).toString('base64url')})
    await client.kv.acquire(jobKey(id), Buffer.from(changed), {session: entry!.session!})
    const how = {mode: 'snapshot', jobTrust: trustKeys([ours.publicFile])} as const
    await expect(initiate().attach(id, how)).rejects.toMatchObject({code: 'BATON_REFUSED'})
    await forget()
  })

  it('does not run on nodes without a responder nor, if no windowMs is given, on nodes whose responder is not running', async () => {
    const {id, nodes, refused} = await initiate({via: 'auto'}).detach({command: shell('true')}, {names: ['gone']})
    expect({id, nodes}).toEqual({id: '', nodes: []})
    expect(refused).toMatchObject([{node: 'gone', code: 'not-detachable'}])
    await expect(initiate({via: 'rexec'}).detach({command: shell('true')})).rejects.toMatchObject({code: 'BATON_USAGE'})
  })
})
