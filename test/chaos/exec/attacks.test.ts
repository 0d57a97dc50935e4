import {mkdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {generateKey} from '../../../src/exec/native/keys.js'
import {trustFromDirectory} from '../../../src/exec/native/trust.js'
import type {ExecRun} from '../../../src/exec/types.js'
import {
  expectNothingLeft,
  type Followed,
  followRun,
  openFolder,
  ours,
  startResponder,
  type TestResponder,
} from '../../integration/exec/support.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {Attacker, type Forgery, newJobId, type Signer, signerOf} from './attacker.js'

const [rogue, limited, first, second, expired, early, revoked, gone] = [
  'rogue',
  'limited',
  'first',
  'second',
  'expired',
  'early',
  'revoked',
  'gone',
].map(name => generateKey(name, 0)) as [typeof ours, ...(typeof ours)[]] & {length: 8}
const by = (...keys: (typeof ours | undefined)[]): {signers: Signer[]} => ({
  signers: keys.flatMap(key => (key ? [signerOf(key)] : [])),
})
const hour = 3_600_000
const now = Date.now()
const policy = {argv_allow: [['/bin/echo', '[a-z]+']]}

/** Attacks that a responder must refuse: the title, the code of the refusal, and the job. */
const refused: [string, string, Forgery][] = [
  ['a job without a signature', 'unsigned', {}],
  ['a job signed by a key that is not trusted', 'unknown-key', by(rogue)],
  ['a job that claims the ID of a trusted key', 'bad-signature', {signers: [signerOf(rogue, ours.key.kid)]}],
  ['a job with a second signature that is not trusted', 'unknown-key', by(ours, rogue)],
  [
    'a job whose command was changed',
    'bad-signature',
    {...by(ours), alter: text => text.replace('"timeout":60000', '"timeout":60001')},
  ],
  [
    'a job with one bit of its signature flipped',
    'bad-signature',
    {...by(ours), resign: ([one]) => [{k: one?.k, g: `${one?.g.startsWith('A') ? 'B' : 'A'}${one?.g.slice(1)}`}]},
  ],
  [
    'a job with a short signature',
    'bad-signature',
    {...by(ours), resign: ([one]) => [{k: one?.k, g: one?.g.slice(0, 20)}]},
  ],
  ['a job with an empty signature', 'bad-signature', {...by(ours), resign: ([one]) => [{k: one?.k, g: ''}]}],
  ['a job with the signature of a cancel', 'bad-signature', {...by(ours), type: 'baton-ctl/1'}],
  ['a job of another cluster', 'wrong-cluster', {...by(ours), changes: {cluster: {dc: 'dc1', name: 'other'}}}],
  ['a job of another datacenter', 'wrong-datacenter', {...by(ours), changes: {cluster: {dc: 'dc2', name: ''}}}],
  ['a job signed in the far future', 'not-yet-valid', {...by(ours), changes: {nbf: 0, iat: 9e15, exp: 9e15}}],
  [
    'a job signed a little in the future that expires late',
    'valid-too-long',
    {...by(ours), changes: {iat: now + 20_000, exp: now + hour}},
  ],
  ['a job that is not valid yet', 'not-yet-valid', {...by(ours), changes: {nbf: now + hour, exp: now + hour}}],
  ['a job that is valid for too long', 'valid-too-long', {...by(ours), changes: {exp: now + hour}}],
  ['a job that has expired', 'expired', {...by(ours), changes: {iat: now - hour, nbf: now - hour, exp: now - 1000}}],
  ['a job whose manifest has another ID', 'malformed', {...by(ours), changes: {id: newJobId()}}],
  ['a job signed by a key that has expired', 'key-expired', by(expired)],
  ['a job signed by a key that is not valid yet', 'key-expired', by(early)],
  ['a job signed by a revoked key', 'key-revoked', by(revoked)],
  ['a job signed by a revoked key whose file is gone', 'key-revoked', by(gone)],
  ['a shell line of a key that may not use a shell', 'policy', by(limited)],
  [
    'a script of a key that may not use a shell',
    'policy',
    {...by(limited), changes: {cmd: {script: Buffer.from('#!/bin/sh\n').toString('base64')}}},
  ],
  ['a command that a second, restricted signer may not run', 'policy', by(ours, limited)],
  ...(
    [
      ['a program that is not listed', ['/bin/cat', 'x']],
      ['a relative path', ['echo', 'x']],
      ['a path with ..', ['/bin/../bin/echo', 'x']],
      ['an argument with a newline', ['/bin/echo', 'x\n']],
      ['an argument of which only the beginning matches its pattern', ['/bin/echo', 'x$(id)']],
      ['too few arguments', ['/bin/echo']],
      ['too many arguments', ['/bin/echo', 'x', 'y']],
    ] satisfies [string, string[]][]
  ).map(([title, argv]): [string, string, Forgery] => [
    `${title}, signed by a restricted key`,
    'policy',
    {...by(limited), changes: {cmd: {argv}}},
  ]),
  ['an argument with a NUL', 'malformed', {...by(ours), changes: {cmd: {argv: ['/bin/echo', 'x\0y']}}}],
  ['a job with two commands', 'malformed', {...by(ours), changes: {cmd: {shell: 'true', argv: ['/bin/true']}}}],
  ['a job with a negative timeout', 'malformed', {...by(ours), changes: {timeout: -1}}],
  ['a job whose expiry time is 1e308', 'malformed', {...by(ours), changes: {exp: 1e308}}],
  ['a job of an unknown version', 'unknown-version', {...by(ours), changes: {v: 3}}],
  ['a job with one of two required signatures', 'too-few-signatures', by(first)],
  [
    'a job with the same signature twice where two are required',
    'too-few-signatures',
    {...by(first), resign: ([one]) => [one, one]},
  ],
  [
    'a job with a huge name of its sender',
    'unsigned',
    {changes: {requester: {name: `\u001b[2J\n${'x'.repeat(200_000)}`, host: '\u0000'}}},
  ],
]

describe.each(backends)('an attacker who writes straight to KV, on $name', backend => {
  const agent = sharedAgent(backend)
  let folder: Awaited<ReturnType<typeof openFolder>>
  let client: ConsulClient
  let attacker: Attacker
  let open: TestResponder[] = []
  const trustDirectory = (): string => join(folder.path, 'trust')
  const line = (title: string): string => `echo '${title.replaceAll("'", '')}' >>${folder.path}/ran`
  const startVictim = (node: string): Promise<TestResponder> =>
    startResponder(agent.address, {
      node,
      stateDirectory: folder.path,
      trust: trustFromDirectory(trustDirectory()),
    })
  const auditLines = async (node = 'victim'): Promise<{job: string; verdict: string; code?: string}[]> =>
    (await readFile(join(folder.path, node, 'audit.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map(text => JSON.parse(text) as {job: string; verdict: string; code?: string})
  const start = (shell: string, nodes = ['victim']): Promise<ExecRun> =>
    createInitiator(client, {keys: [ours.key], via: 'native', ackTimeoutMs: 20_000}).run(
      {command: {kind: 'shell', line: shell}},
      {names: nodes},
    )

  beforeAll(async () => {
    folder = await openFolder()
    client = createClient({address: agent.address})
    attacker = await Attacker.open(agent.address)
    await mkdir(trustDirectory(), {mode: 0o755})
    const trust = (name: string, {publicFile}: typeof ours, more: object = {}): Promise<void> =>
      writeFile(
        join(trustDirectory(), `${name}.json`),
        JSON.stringify({...(JSON.parse(publicFile) as object), ...more}),
        {mode: 0o644},
      )
    await trust('ours', ours)
    await trust('limited', limited!, {policy})
    await trust('zz-limited', limited!, {name: 'zz-limited'})
    for (const key of [first, second]) {
      await trust(key!.key.name, key!, {policy: {shell: true, needs_m: 2}})
    }
    await trust('expired', expired!, {exp: '2020-01-01T00:00:00Z'})
    await trust('early', early!, {nbf: '2999-01-01T00:00:00Z'})
    await trust('revoked', revoked!)
    const kids = [revoked!.key.kid, gone!.key.kid]
    await writeFile(join(trustDirectory(), 'revoked.json'), JSON.stringify({v: 1, kids}), {mode: 0o644})
    open = await Promise.all(['victim', 'other'].map(startVictim))
  })
  afterAll(async () => {
    await attacker[Symbol.asyncDispose]()
    await expectNothingLeft(client)
    await Promise.all(open.map(one => one[Symbol.asyncDispose]()))
    await client[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  /** Runs an honest job, which proves that the responder has examined all earlier values and still works. */
  async function barrier(): Promise<void> {
    await using run = await start('echo alive')
    expect((await followRun(run)).output).toEqual({victim: 'alive\n'})
  }

  it.each(refused)('cannot run %s (%s)', async (title, code, forgery) => {
    const id = newJobId()
    await attacker.put(`jobs/${id}`, attacker.forge({id, node: 'victim', line: line(title)}, forgery), true)
    const seen = await waitUntil(() => attacker.refusalOf('victim', id), {what: 'a refusal'})
    expect(seen).toBe(code)
    const lines = (await auditLines()).filter(({job}) => job === id)
    expect(lines).toMatchObject([{verdict: 'refused', code}])
    expect(JSON.stringify(lines).length).toBeLessThan(2000)
    expect(folder.lines('ran')).toEqual([])
    await attacker.delete(`jobs/${id}`)
  })

  it('cannot make a node run a value that is not a job for this node, and gets no answer to the value', async () => {
    const id = newJobId()
    const inert: [string, string | Buffer][] = [
      [id, attacker.forge({id, node: 'Victim', line: line('other case')}, by(ours))],
      [newJobId(), 'not JSON'],
      [newJobId(), '{}'],
      [newJobId(), Buffer.alloc(380_000, 0x7b)],
      [newJobId(), `{"t":"baton-exec/1","p":"e30","s":${'['.repeat(100_000)}`],
      [newJobId(), JSON.stringify({t: 'baton-exec/1', p: 'e30', s: Array(17).fill({k: 'x', g: 'y'})})],
      ['..', attacker.forge({id, node: 'victim', line: line('traversal')}, by(ours))],
      [id.toUpperCase(), attacker.forge({id: id.toUpperCase(), node: 'victim', line: line('upper case')}, by(ours))],
      [`${newJobId()}/below`, attacker.forge({id, node: 'victim', line: line('below')}, by(ours))],
    ]
    for (const [name, value] of inert) await attacker.put(`jobs/${name}`, value, true)
    await barrier()
    expect(folder.lines('ran')).toEqual([])
    const jobs = (await auditLines()).map(({job}) => job)
    for (const [name] of inert) {
      expect(jobs).not.toContain(name)
      await attacker.delete(`jobs/${name}`)
    }
  })

  it('cannot run a job twice: under its own ID, under another ID, on another node, or after a restart', async () => {
    const id = newJobId()
    const value = attacker.forge({id, node: 'victim', line: `echo once >>${folder.path}/once`}, by(ours))
    await attacker.put(`jobs/${id}`, value, true)
    await waitUntil(() => folder.lines('once').length === 1, {what: 'the honest job to run'})
    await waitUntil(async () => (await auditLines()).some(one => one.job === id && one.verdict === 'finished'), {
      what: 'the honest job to end',
    })
    for (const rest of ['a', 'r', 'o/000000']) await attacker.delete(`run/victim/${id}/${rest}`)
    await attacker.delete(`jobs/${id}`)
    await barrier()
    const copy = newJobId()
    await attacker.put(`jobs/${id}`, value, true)
    await attacker.put(`jobs/${copy}`, value, true)
    expect(await waitUntil(() => attacker.refusalOf('victim', id), {what: 'a refusal'})).toBe('replayed')
    expect(await waitUntil(() => attacker.refusalOf('victim', copy), {what: 'a refusal'})).toBe('malformed')
    await open[0]?.[Symbol.asyncDispose]()
    open[0] = await startVictim('victim')
    await barrier()
    expect(folder.lines('once')).toEqual(['once'])
    const codes = (await auditLines()).filter(({job}) => job === id).flatMap(one => one.code ?? [])
    expect(codes).toEqual(['replayed', 'replayed'])
    expect((await auditLines('other').catch(() => [])).filter(({job}) => job === id)).toEqual([])
    for (const name of [id, copy]) await attacker.delete(`jobs/${name}`)
  })

  it('cannot stop a job with a cancel request that no trusted key signed, or that was made for another job or time', async () => {
    await using run = await start(`while [ ! -e ${folder.path}/go ]; do sleep 0.05; done`)
    const seen = followRun(run)
    await waitUntil(async () => (await auditLines()).some(one => one.job === run.id), {what: 'the job to start'})
    const values: [string, string | undefined][] = [
      [attacker.forgeControl({id: run.id}, []), 'unsigned'],
      [attacker.forgeControl({id: run.id}, by(rogue).signers), 'unknown-key'],
      [attacker.forgeControl({id: run.id}, [signerOf(rogue, ours.key.kid)]), 'bad-signature'],
      [attacker.forgeControl({id: run.id, exp: now - hour}, by(ours).signers), 'expired'],
      [attacker.forgeControl({id: run.id, exp: now + 24 * hour}, by(ours).signers), 'valid-too-long'],
      [attacker.forgeControl({id: newJobId()}, by(ours).signers), undefined],
      ['junk', undefined],
    ]
    for (const [value, code] of values) {
      await attacker.put(`ctl/${run.id}`, value)
      if (code === undefined) continue
      const isNoted = async (): Promise<boolean> =>
        (await auditLines()).some(one => one.job === run.id && one.verdict === 'cancel-refused' && one.code === code)
      await waitUntil(isNoted, {what: `the audit log to name ${code}`})
    }
    // A rewritten job does not change the job that is already running.
    const forged = attacker.forge({id: run.id, node: 'victim', line: line('rewritten')}, by(rogue))
    await attacker.put(`jobs/${run.id}`, forged)
    await barrier()
    await writeFile(`${folder.path}/go`, '')
    expect((await seen).outcomes).toEqual({victim: 'ok'})
    expect(folder.lines('ran')).toEqual([])
    await rm(`${folder.path}/go`)
  })

  it('cannot make an initiator show output, the end of a job or a node without the signature of a responder', async () => {
    const hold = (name: string): string => `while [ ! -e ${folder.path}/${name} ]; do sleep 0.05; done`
    await using earlier = await start(`echo earlier; ${hold('go-earlier')}`)
    const before = waitForOutput(earlier)
    await before.started
    const copied = (await client.kv.get(`baton/exec/v1/run/victim/${earlier.id}/o/000000`)).value?.value
    await writeFile(`${folder.path}/go-earlier`, '')
    expect((await before.followed).outcomes).toEqual({victim: 'ok'})

    await using run = await start(`echo true; ${hold('go')}; exit 3`)
    const talking = waitForOutput(run)
    await talking.started
    const ghost = '\u001b[2K\n==> victim: finished with exit code 0'
    const root = `run/victim/${run.id}`
    const lies: [string, string | Buffer][] = [
      [`${root}/o/000001`, '{"v":1,"s":[[1,5]]}\nlies\n'],
      [`${root}/o/000002`, copied ?? 'no frame'],
      [`${root}/r`, '{"v":1,"code":0,"frames":2}'],
      [`${root}/k`, '{"v":1,"code":"policy","reason":"no"}'],
      [`${root}/a`, '{"v":1}'],
      [`run/other/${run.id}/r`, '{"v":1,"code":0,"frames":0}'],
      [`run/${ghost}/${run.id}/r`, '{"v":1,"code":0,"frames":0}'],
      [`run/victim/${run.id}/o/zz`, 'x'],
      [`run/victim/${run.id}/../r`, 'x'],
    ]
    for (const [rest, value] of lies) await attacker.put(rest, value)
    await writeFile(`${folder.path}/go`, '')
    const {outcomes, output, events, summary} = await talking.followed
    expect({outcomes, output}).toEqual({outcomes: {victim: 'failed'}, output: {victim: 'true\n'}})
    expect(summary.nodes.map(({isSigned}) => isSigned)).toEqual([true])
    const types = events.map(({type}) => type)
    expect(types.filter(type => type === 'forged' || type === 'foreign').toSorted()).toEqual(['foreign', 'forged'])
    for (const [rest] of lies) await attacker.delete(rest)
  })

  it('cannot, by writing 3000 keys below jobs/, keep a responder from running new jobs', async () => {
    const junk = Array.from({length: 3000}, () => `jobs/${newJobId(now - hour)}`)
    for (let at = 0; at < junk.length; at += 50) {
      await Promise.all(junk.slice(at, at + 50).map(rest => attacker.put(rest, 'x', true)))
    }
    await barrier()
  })
})

interface Talking {
  readonly started: Promise<void>
  readonly followed: Promise<Followed>
}

/** Follows a run. `started` resolves with the run's first output. */
function waitForOutput(run: ExecRun): Talking {
  let begin = (): void => {}
  const started = new Promise<void>(resolve => {
    begin = resolve
  })
  return {started, followed: followRun(run, event => event.type === 'output' && begin())}
}
