import {randomUUID} from 'node:crypto'
import {writeFileSync} from 'node:fs'
import {mkdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import type {SessionId} from '../../../src/core/types.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {InitiatorOptions} from '../../../src/exec/initiator/options.js'
import {type PrivateSigningKey, sealEnvelope} from '../../../src/exec/native/envelope.js'
import {createJobId} from '../../../src/exec/native/job-id.js'
import {generateKey} from '../../../src/exec/native/keys.js'
import {answerRoot, jobKey, runPrefix} from '../../../src/exec/native/layout.js'
import {encodeManifest, type Manifest, parseManifest} from '../../../src/exec/native/manifest.js'
import {trustFromDirectory} from '../../../src/exec/native/trust.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {processInfo} from '../../kit/processes.js'
import {waitUntil} from '../../kit/wait-until.js'
import {
  expectNothingLeft,
  type Followed,
  followRun,
  foreign,
  openFolder,
  ours,
  startResponder,
  type TestResponder,
} from './support.js'

const shell = (line: string) => ({kind: 'shell' as const, line})
const patient = {ackTimeoutMs: 20_000}
const revoked = generateKey('revoked', 0)

describe.each(backends)('responders on $name', backend => {
  const agent = sharedAgent(backend)
  const names = ['r1', 'r2', 'r3']
  let folder: Awaited<ReturnType<typeof openFolder>>
  let client: ConsulClient
  let responders: TestResponder[] = []
  let dc = ''

  beforeAll(async () => {
    folder = await openFolder()
    client = createClient({address: agent.address})
    dc = (await client.agent.self()).datacenter
    const trust = join(folder.path, 'trust.d')
    await mkdir(trust)
    await writeFile(join(trust, 'ours.json'), ours.publicFile)
    await writeFile(join(trust, 'old.json'), revoked.publicFile)
    await writeFile(join(trust, 'revoked.json'), JSON.stringify({v: 1, kids: [revoked.key.kid]}))
    const options = {stateDirectory: folder.path, trust: trustFromDirectory(trust)}
    responders = await Promise.all(names.map(node => startResponder(agent.address, {...options, node})))
  })
  afterEach(() => expectNothingLeft(client))
  afterAll(async () => {
    await Promise.all(responders.map(one => one[Symbol.asyncDispose]()))
    await client[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const initiate = (options: Partial<InitiatorOptions> = {}) =>
    createInitiator(client, {keys: [ours.key], ...patient, ...options})
  const exec = async (line: string, selector = {}): Promise<Followed> => {
    await using run = await initiate().run({command: shell(line)}, selector)
    return await followRun(run)
  }

  it('run a signed job on every node, and report its output before its exit', async () => {
    const {summary, output, outcomes, events} = await exec('echo "$BATON_EXEC_NODE says hello"; echo oops >&2')
    expect(summary).toMatchObject({verdict: 'ok', ackedCount: 3, completedCount: 3})
    expect(outcomes).toEqual({r1: 'ok', r2: 'ok', r3: 'ok'})
    expect(output['r2']?.split('\n').toSorted()).toEqual(['', 'oops', 'r2 says hello'])
    const streams = events.flatMap(event => (event.type === 'output' ? [event.stream] : []))
    expect(new Set(streams)).toEqual(new Set(['stdout', 'stderr']))
  })

  it('run a job only on the nodes that the selector matches', async () => {
    const {outcomes} = await exec(`echo "$BATON_EXEC_NODE" >> ${folder.path}/selected`, {node: '^r', exclude: '2$'})
    expect(outcomes).toEqual({r1: 'ok', r3: 'ok'})
    expect(folder.lines('selected').toSorted()).toEqual(['r1', 'r3'])
  })

  it('make a run end with the verdict no-nodes if the selector matches none of them', async () => {
    const {summary} = await exec('true', {node: 'nobody'})
    expect(summary).toMatchObject({verdict: 'no-nodes', nodes: []})
  })

  it('send output in order if it has to be split into several pieces', async () => {
    const {output} = await exec('seq 1 60000', {node: 'r1'})
    expect(output['r1']).toBe(Array.from({length: 60_000}, (_, at) => `${at + 1}\n`).join(''))
  })

  it('send the beginning and the end of output that exceeds the limit', async () => {
    await using run = await initiate({maxOutputBytes: 100_000}).run({command: shell('seq 1 100000')}, {node: 'r1'})
    const {output, summary, events} = await followRun(run)
    const droppedBytes = 588_895 - 100_000
    expect(summary).toMatchObject({verdict: 'truncated', nodes: [{outcome: {type: 'ok'}, droppedBytes}]})
    expect(events).toContainEqual({type: 'truncated', node: 'r1', droppedBytes})
    expect(output['r1']).toMatch(/^1\n2\n/)
    expect(output['r1']).toMatch(/\n\[\.\.\. \d+ bytes dropped \.\.\.\]\n/)
    expect(output['r1']).toMatch(/\n99999\n100000\n$/)
  })

  it('can only answer for nodes in the signed list, so an answer for another node is ignored', async () => {
    const job = {command: shell(`while [ ! -e ${folder.path}/go ]; do sleep 0.05; done`)}
    await using run = await initiate().run(job, {node: 'r1'})
    const ghost = 'r1\u001b[2K: x\n==> r9: finished with exit code 0'
    const result = Buffer.from('{"v":1,"code":0,"frames":0}')
    await client.txn.commit([
      {verb: 'set', key: `${answerRoot({version: 2, id: run.id, node: ghost})}r`, value: result},
      {verb: 'set', key: `${answerRoot({version: 2, id: run.id, node: 'r2'})}r`, value: result},
    ])
    const {events, outcomes} = await followRun(run, event => {
      if (event.type === 'foreign') writeFileSync(join(folder.path, 'go'), '')
    })
    expect(outcomes).toEqual({r1: 'ok'})
    expect(events.filter(event => event.type === 'foreign')).toHaveLength(1)
  })

  it('send all output if there is no limit', async () => {
    const unlimited = initiate({maxOutputBytes: Number.POSITIVE_INFINITY})
    await using run = await unlimited.run({command: shell('head -c 3000000 /dev/zero')}, {node: 'r1'})
    const {output, summary} = await followRun(run)
    expect([summary.verdict, output['r1']?.length]).toEqual(['ok', 3_000_000])
  })

  it('distinguish exit codes, signals, and commands that cannot be run', async () => {
    await using run = await initiate().run(
      {command: {kind: 'argv', argv: ['/bin/sh', '-c', 'case $BATON_EXEC_NODE in r1) exit 7;; r2) kill -9 $$;; esac']}},
      {},
    )
    const {summary} = await followRun(run)
    const outcomeOf = (node: string): unknown => summary.nodes.find(result => result.node === node)?.outcome
    expect(outcomeOf('r1')).toEqual({type: 'failed', code: 7})
    expect(outcomeOf('r2')).toEqual({type: 'failed', code: 137, signal: 'SIGKILL'})
    expect(outcomeOf('r3')).toEqual({type: 'ok'})
    await using missing = await initiate().run({command: {kind: 'argv', argv: ['no-such-program']}}, {node: 'r1'})
    expect((await followRun(missing)).summary.nodes[0]?.outcome).toEqual({type: 'failed', code: 127})
  })

  it('run a script with its own interpreter, and leave no script behind', async () => {
    const script = Buffer.from('#!/bin/sh\necho "script $0"\n')
    await using run = await initiate().run({command: {kind: 'script', script}}, {node: 'r1'})
    const {output} = await followRun(run)
    const [, path = ''] = /^script (.*)\n$/.exec(output['r1'] ?? '') ?? []
    expect(path).toContain(folder.path)
    await expect(rm(path)).rejects.toThrow(/ENOENT/)
  })

  it('do not pass their secrets to the commands that they run', async () => {
    const {output} = await exec('env', {node: 'r1'})
    expect(output['r1']).toMatch(/^PATH=/m)
    expect(output['r1']).not.toMatch(/^(VITEST|NODE_|CONSUL_|npm_)/m)
  })

  const pidsOf = (name: string): number[] => folder.lines(name).map(Number)
  const untilGone = (pids: readonly number[]): Promise<unknown> =>
    waitUntil(() => pids.every(pid => (processInfo(pid)?.state ?? 'Z') === 'Z'), {
      what: `${pids.join(', ')} to be gone`,
    })
  const stubborn = (file: string): string =>
    `trap "" TERM; sleep 600 & echo $! >> ${folder.path}/${file}; echo $$ >> ${folder.path}/${file}; wait`

  it('stop the whole process group at the timeout, even if it ignores the stop signal', async () => {
    const job = {command: shell(stubborn('late')), timeoutMs: 500}
    await using run = await initiate({killAfterMs: 200}).run(job, {node: 'r1'})
    const {outcomes, summary} = await followRun(run)
    expect(outcomes).toEqual({r1: 'timed-out'})
    expect(summary.verdict).toBe('incomplete')
    expect(pidsOf('late')).toHaveLength(2)
    await untilGone(pidsOf('late'))
  })

  it('do not stop a command if its job has no timeout', async () => {
    await using run = await initiate().run({command: shell('sleep 0.2')}, {node: 'r1'})
    const job = await waitUntil(async () => (await client.kv.get(jobKey(run.id))).value, {what: 'the job'})
    const {p} = JSON.parse(job.value.toString()) as {p: string}
    expect(parseManifest(Buffer.from(p, 'base64url'))).toMatchObject({timeoutMs: Number.POSITIVE_INFINITY})
    expect((await followRun(run)).outcomes).toEqual({r1: 'ok'})
  })

  it('stop the command if the initiator is stopped', async () => {
    const stop = new AbortController()
    const job = {command: shell(stubborn('cancelled'))}
    await using run = await initiate({killAfterMs: 200}).run(job, {}, {signal: stop.signal})
    await waitUntil(() => pidsOf('cancelled').length === 6, {what: 'six processes'})
    stop.abort()
    const {outcomes} = await followRun(run)
    expect(outcomes).toEqual({r1: 'cancelled', r2: 'cancelled', r3: 'cancelled'})
    await untilGone(pidsOf('cancelled'))
  })

  it("stop the command if the job's session ends, as happens when the initiator dies", async () => {
    const job = {command: shell(stubborn('orphaned'))}
    await using _run = await initiate({killAfterMs: 200}).run(job, {node: 'r1'})
    await waitUntil(() => pidsOf('orphaned').length === 2, {what: 'two processes'})
    for (const {id} of (await client.session.list()).value) await client.session.destroy(id)
    await untilGone(pidsOf('orphaned'))
    await expectNothingLeft(client)
  })

  describe('never run', () => {
    interface Forged {
      readonly changes?: Partial<Manifest>
      readonly keys?: readonly PrivateSigningKey[]
      readonly alter?: (value: Buffer) => Buffer
    }

    async function withSession<T>(use: (session: SessionId) => Promise<T>): Promise<T> {
      const {id} = await client.session.create({ttlMs: 60_000, behavior: 'delete', lockDelayMs: 0, nodeChecks: []})
      try {
        return await use(id)
      } finally {
        await client.session.destroy(id)
      }
    }

    function manifestOf(session: SessionId, file: string, changes: Partial<Manifest> = {}): Manifest {
      const now = Date.now()
      return {
        version: 1,
        isDryRun: false,
        id: createJobId(now),
        datacenter: dc,
        cluster: '',
        issuedAtMs: now,
        notBeforeMs: now,
        expiresAtMs: now + 60_000,
        nodes: ['r1'],
        command: shell(`echo ran >> ${folder.path}/${file}`),
        timeoutMs: 10_000,
        killAfterMs: 1000,
        maxOutputBytes: 1000,
        heartbeatMs: 1000,
        session,
        requester: {name: 'x', host: 'x'},
        ...changes,
      }
    }

    function forge(session: SessionId, file: string, {changes, keys, alter}: Forged = {}): {id: string; value: Buffer} {
      const manifest = manifestOf(session, file, changes)
      const sealed = sealEnvelope('baton-exec/1', encodeManifest(manifest), keys ?? [ours.key])
      return {id: manifest.id, value: alter?.(sealed) ?? sealed}
    }

    const refusalOf = (id: string, node = 'r1', version = 1): Promise<unknown> =>
      waitUntil(async () => (await client.kv.get(`${answerRoot({version, id, node})}k`)).value, {
        what: 'a refusal',
      }).then(entry => (JSON.parse(entry.value.toString().split('\n').at(-1) ?? '') as {code: string}).code)

    /**
     * Waits until another job has run, which proves that the responder has examined everything that was written before.
     */
    const barrier = async (): Promise<void> => {
      expect((await exec('true', {node: 'r1'})).outcomes).toEqual({r1: 'ok'})
    }

    const alterPayload = (value: Buffer): Buffer => {
      const raw = JSON.parse(value.toString()) as {p: string}
      const payload = Buffer.from(raw.p, 'base64url').toString().replace('echo ran', 'echo RAN')
      return Buffer.from(JSON.stringify({...raw, p: Buffer.from(payload).toString('base64url')}))
    }
    const hour = 3_600_000

    it.each<[string, string, Forged]>([
      ['an unsigned job', 'unsigned', {keys: []}],
      ['a job signed with an untrusted key', 'unknown-key', {keys: [foreign.key]}],
      ['a job signed with a revoked key', 'key-revoked', {keys: [revoked.key]}],
      ['an altered job', 'bad-signature', {alter: alterPayload}],
      ['a job of another cluster', 'wrong-cluster', {changes: {cluster: 'other'}}],
      ['a job of another datacenter', 'wrong-datacenter', {changes: {datacenter: 'elsewhere'}}],
      [
        'an expired job',
        'expired',
        {changes: {issuedAtMs: Date.now() - hour, notBeforeMs: Date.now() - hour, expiresAtMs: Date.now() - 1000}},
      ],
      ['a job that is not valid yet', 'not-yet-valid', {changes: {notBeforeMs: Date.now() + hour}}],
      ['a job that is valid for too long', 'valid-too-long', {changes: {expiresAtMs: Date.now() + hour}}],
    ])('%s, and report the reason %s', async (_, code, forged) => {
      const file = randomUUID()
      await withSession(async session => {
        const {id, value} = forge(session, file, forged)
        await client.kv.acquire(jobKey(id), value, {session})
        expect(await refusalOf(id)).toBe(code)
        await barrier()
      })
      expect(folder.lines(file)).toEqual([])
    })

    it('a job of an unknown version, and report the refusal', async () => {
      const file = randomUUID()
      await withSession(async session => {
        const manifest = JSON.parse(encodeManifest(manifestOf(session, file)).toString()) as object
        const id = (manifest as {id: string}).id
        const payload = Buffer.from(JSON.stringify({...manifest, v: 3}))
        await client.kv.acquire(jobKey(id), sealEnvelope('baton-exec/1', payload, [ours.key]), {session})
        expect(await refusalOf(id, 'r1', 2)).toBe('unknown-version')
      })
      expect(folder.lines(file)).toEqual([])
    })

    it('a job that expired before it could be claimed, and report the refusal when Consul answers again', async () => {
      await using proxy = await HttpProxy.start(agent.address)
      await using _slow = await startResponder(proxy.address, {node: 'r1-slow', stateDirectory: folder.path})
      const file = randomUUID()
      const rule = proxy.on({method: 'PUT', path: '/v1/txn'}, {status: 500, body: 'No cluster leader'})
      await withSession(async session => {
        const changes = {nodes: ['r1-slow'], expiresAtMs: Date.now() + 700}
        const late = forge(session, file, {changes})
        const unsigned = forge(session, file, {changes: {nodes: ['r1-slow']}, keys: []})
        for (const {id, value} of [late, unsigned]) await client.kv.acquire(jobKey(id), value, {session})
        await waitUntil(() => Date.now() > changes.expiresAtMs, {what: 'the job to expire'})
        rule[Symbol.dispose]()
        expect(await refusalOf(late.id, 'r1-slow')).toBe('expired')
        expect(await refusalOf(unsigned.id, 'r1-slow')).toBe('unsigned')
      })
      expect(folder.lines(file)).toEqual([])
    })

    it('a job that they cannot claim, and still stop at once when asked to', async () => {
      await using proxy = await HttpProxy.start(agent.address)
      const stuck = await startResponder(proxy.address, {node: 'stuck', stateDirectory: folder.path})
      const claim = {method: 'PUT', path: '/v1/txn'}
      proxy.on(claim, {status: 500, body: 'No cluster leader'})
      await withSession(async session => {
        const file = randomUUID()
        const {id, value} = forge(session, file, {changes: {nodes: ['stuck']}})
        await client.kv.acquire(jobKey(id), value, {session})
        await waitUntil(() => proxy.count(claim) > 1, {what: 'a second claim'})
        await stuck[Symbol.asyncDispose]()
        expect(folder.lines(file)).toEqual([])
      })
    })

    it('a job for another node', async () => {
      const file = randomUUID()
      await withSession(async session => {
        const {id, value} = forge(session, file, {changes: {nodes: ['elsewhere']}})
        await client.kv.acquire(jobKey(id), value, {session})
        await barrier()
        expect((await client.kv.keys(runPrefix(id))).value).toEqual([])
      })
      expect(folder.lines(file)).toEqual([])
    })

    it('the same job twice, even if it is written again or the responder is restarted', async () => {
      const file = randomUUID()
      await withSession(async session => {
        const {id, value} = forge(session, file)
        const submit = async (): Promise<void> => {
          await client.kv.delete(jobKey(id))
          await client.kv.deleteTree(runPrefix(id))
          await barrier()
          await client.kv.acquire(jobKey(id), value, {session})
        }
        await submit()
        await waitUntil(async () => (await client.kv.get(`${answerRoot({version: 1, id, node: 'r1'})}r`)).value, {
          what: 'the result',
        })
        await submit()
        expect(await refusalOf(id)).toBe('replayed')
        await responders[0]?.[Symbol.asyncDispose]()
        responders[0] = await startResponder(agent.address, {stateDirectory: folder.path, node: 'r1'})
        await submit()
        expect(await refusalOf(id)).toBe('replayed')
      })
      expect(folder.lines(file)).toEqual(['ran'])
    })
  })

  it('run unsigned jobs only if the policy for unsigned jobs allows them', async () => {
    const unsignedPolicy = {allowedCommands: [['/bin/echo', '[a-z]+']]}
    const options = {stateDirectory: folder.path, node: 'lenient', unsignedPolicy}
    await using _lenient = await startResponder(agent.address, options)
    const unsigned = initiate({isUnsigned: true, keys: []})
    await using run = await unsigned.run({command: {kind: 'argv', argv: ['/bin/echo', 'hello']}}, {})
    const {outcomes, output} = await followRun(run)
    expect(outcomes).toEqual({lenient: 'ok', r1: 'refused', r2: 'refused', r3: 'refused'})
    expect(output).toEqual({lenient: 'hello\n'})
    await using shellRun = await unsigned.run({command: shell('echo hello')}, {node: 'lenient'})
    const [refused] = (await followRun(shellRun)).summary.nodes
    expect(refused?.outcome).toMatchObject({type: 'refused', code: 'policy'})
  })

  it('deregister themselves from the catalog when they are stopped', async () => {
    const passing = async (): Promise<string[]> =>
      (await client.catalog.service('baton-responder', {passing: true})).value.map(one => one.serviceId)
    {
      await using _guest = await startResponder(agent.address, {stateDirectory: folder.path, node: 'guest'})
      expect(await passing()).toContain('baton-responder-guest')
    }
    await waitUntil(async () => !(await passing()).includes('baton-responder-guest'), {what: 'the guest to be gone'})
  })
})
