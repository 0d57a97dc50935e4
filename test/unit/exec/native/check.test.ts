import {describe, expect, it} from 'vitest'
import type {SessionId} from '../../../../src/core/types.js'
import {
  type CheckContext,
  type Checked,
  checkControlTime,
  checkJob,
  checkPolicies,
  type JobRefusalCode,
  maxJobBytes,
} from '../../../../src/exec/native/check.js'
import {parseControl} from '../../../../src/exec/native/control.js'
import {type PrivateSigningKey, sealEnvelope} from '../../../../src/exec/native/envelope.js'
import {generateKey} from '../../../../src/exec/native/keys.js'
import {encodeManifest, type Manifest, parseManifest} from '../../../../src/exec/native/manifest.js'
import {openPolicy, type Policy} from '../../../../src/exec/native/policy.js'
import type {ReplayStore} from '../../../../src/exec/native/replay-store.js'
import {parseTrustEntry, type TrustedKey} from '../../../../src/exec/native/trust.js'

const now = 1_800_000_000_000
const id = '01a20041-8c12-70fb-8e51-0498fb29db8b'
const ours = generateKey('ours', now)
const second = generateKey('second', now)
const foreign = generateKey('foreign', now)
const trusted = (file: string, changes: Partial<TrustedKey> = {}): TrustedKey => ({
  ...parseTrustEntry(file, 'test').key,
  ...changes,
})

const manifest = (changes: Partial<Manifest> = {}): Manifest => ({
  version: 1,
  isDryRun: false,
  id,
  datacenter: 'dc1',
  cluster: '',
  issuedAtMs: now,
  notBeforeMs: now,
  expiresAtMs: now + 60_000,
  nodes: ['n1', 'n2'],
  command: {kind: 'shell', line: 'uptime'},
  timeoutMs: 1000,
  killAfterMs: 1000,
  maxOutputBytes: 1000,
  heartbeatMs: 1000,
  session: 'session' as SessionId,
  requester: {name: 'root', host: 'h'},
  ...changes,
})

const replayOf = (...ids: string[]): ReplayStore => ({
  has: candidate => ids.includes(candidate),
  begin: () => Promise.resolve(),
  finish: () => Promise.resolve(),
  unfinished: new Set(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
})

const context = (changes: Partial<CheckContext> = {}): CheckContext => ({
  node: 'n1',
  datacenter: 'dc1',
  cluster: '',
  trust: {keys: new Map([[ours.key.kid, trusted(ours.publicFile)]]), revoked: new Set()},
  replay: replayOf(),
  unsignedPolicy: undefined,
  nowMs: now,
  maxSkewMs: 30_000,
  maxValidityMs: 300_000,
  ...changes,
})

const seal = (changes: Partial<Manifest> = {}, keys: readonly PrivateSigningKey[] = [ours.key]): Buffer =>
  sealEnvelope('baton-exec/1', encodeManifest(manifest(changes)), keys)

const codeOf = (checked: Checked): JobRefusalCode | 'accepted' =>
  checked.isAccepted ? 'accepted' : checked.refusal.code

/** Changes the signed bytes without changing the signature. */
function alter(value: Buffer, from: string, to: string): Buffer {
  const raw = JSON.parse(value.toString()) as {p: string}
  const payload = Buffer.from(raw.p, 'base64url').toString().replace(from, to)
  return Buffer.from(JSON.stringify({...raw, p: Buffer.from(payload).toString('base64url')}))
}

/** Changes the signed bytes, and signs them again. */
function resign(value: Buffer, from: RegExp, to: string): Buffer {
  const raw = JSON.parse(value.toString()) as {p: string}
  const payload = Buffer.from(raw.p, 'base64url').toString().replace(from, to)
  return sealEnvelope('baton-exec/1', Buffer.from(payload), [ours.key])
}

describe('the checks of a job', () => {
  it('accept a job that a trusted key signed for this node', () => {
    const checked = checkJob(id, seal(), context())
    expect(checked).toMatchObject({isAccepted: true, signers: [ours.key.kid], manifest: {nodes: ['n1', 'n2']}})
  })

  it.each<[string, JobRefusalCode, Buffer, Partial<CheckContext>]>([
    ['too large', 'too-large', Buffer.alloc(maxJobBytes + 1), {}],
    ['not JSON', 'malformed', Buffer.from('hello'), {}],
    [
      'a document of another type',
      'malformed',
      sealEnvelope('baton-ctl/1', encodeManifest(manifest()), [ours.key]),
      {},
    ],
    ['of an unknown version', 'unknown-version', alter(seal(), '"v":1', '"v":3'), {}],
    ['made of two commands', 'malformed', alter(seal(), '"shell":"uptime"', '"shell":"uptime","argv":["x"]'), {}],
    ['stored under the ID of another job', 'malformed', seal({id: '01a20041-8c12-70fb-8e51-0498fb29db8c'}), {}],
    ['unsigned', 'unsigned', seal({}, []), {}],
    ['signed with an untrusted key', 'unknown-key', seal({}, [foreign.key]), {}],
    ['signed with a trusted and an untrusted key', 'unknown-key', seal({}, [ours.key, foreign.key]), {}],
    ['altered after it was signed', 'bad-signature', alter(seal(), 'uptime', 'reboot'), {}],
    ['altered to name this node', 'bad-signature', alter(seal({nodes: ['n9']}), 'n9', 'n1'), {}],
    ['of another cluster', 'wrong-cluster', seal({cluster: 'test'}), {}],
    ['of no cluster', 'wrong-cluster', seal(), {cluster: 'production'}],
    ['of another datacenter', 'wrong-datacenter', seal({datacenter: 'dc2'}), {}],
    ['not valid yet', 'not-yet-valid', seal(), {nowMs: now - 30_001}],
    ['expired', 'expired', seal(), {nowMs: now + 60_001}],
    ['valid for too long', 'valid-too-long', seal({expiresAtMs: now + 300_001}), {}],
    [
      'signed in a far future, and valid until then',
      'not-yet-valid',
      seal({issuedAtMs: 9e15, notBeforeMs: 0, expiresAtMs: 9e15}),
      {},
    ],
    [
      'signed further in the future than the clock skew allows',
      'not-yet-valid',
      seal({issuedAtMs: now + 30_001, notBeforeMs: 0}),
      {},
    ],
    [
      'signed in the future within the clock skew, and valid for too long from now',
      'valid-too-long',
      seal({issuedAtMs: now + 30_000, expiresAtMs: now + 300_001}),
      {},
    ],
    ['signed long ago', 'valid-too-long', seal({issuedAtMs: now - 240_001}), {}],
    ['expired before it was signed', 'expired', seal({issuedAtMs: now + 1, expiresAtMs: now - 1}), {}],
    ...['iat', 'nbf', 'exp', 'timeout', 'kill_after', 'out_max', 'hb'].flatMap(field =>
      ['-1', '1.5', '9007199254740992', '1e400', '"1"', 'null'].map(
        (number): [string, JobRefusalCode, Buffer, Partial<CheckContext>] => [
          `encoded with ${number} as the value of ${field}`,
          'malformed',
          resign(seal(), new RegExp(`"${field}":[0-9]+`), `"${field}":${number}`),
          {},
        ],
      ),
    ),
    ['for other nodes', 'wrong-node', seal({nodes: ['n2']}), {}],
    ['run before', 'replayed', seal(), {replay: replayOf(id)}],
  ])('refuse a job that is %s, with the code %s', (_, code, value, changes) => {
    expect(codeOf(checkJob(id, value, context(changes)))).toBe(code)
  })

  it('report the first of several faults, in the order signature, cluster, datacenter, time, node, repetition', () => {
    const all = {cluster: 'x', datacenter: 'dc2', expiresAtMs: now - 1, nodes: ['n2']}
    const replay = replayOf(id)
    const codes: (JobRefusalCode | 'accepted')[] = []
    const faults: [Partial<Manifest>, readonly PrivateSigningKey[]][] = [
      [all, []],
      [all, [ours.key]],
      [{...all, cluster: ''}, [ours.key]],
      [{...all, cluster: '', datacenter: 'dc1'}, [ours.key]],
      [{nodes: ['n2']}, [ours.key]],
      [{}, [ours.key]],
    ]
    for (const [changes, keys] of faults) codes.push(codeOf(checkJob(id, seal(changes, keys), context({replay}))))
    expect(codes).toEqual(['unsigned', 'wrong-cluster', 'wrong-datacenter', 'expired', 'wrong-node', 'replayed'])
  })

  it('accept a job without a timeout, which is encoded as a number and decoded again', () => {
    const value = encodeManifest(manifest({timeoutMs: Number.POSITIVE_INFINITY}))
    expect(JSON.parse(value.toString())).toMatchObject({timeout: Number.MAX_SAFE_INTEGER})
    expect(parseManifest(value)).toMatchObject({timeoutMs: Number.POSITIVE_INFINITY})
  })

  it('refuse keys that are revoked (even without their file), expired, or not valid yet', () => {
    const {kid} = ours.key
    const keyed = (changes: Partial<TrustedKey>, revoked: string[] = []): CheckContext =>
      context({trust: {keys: new Map([[kid, trusted(ours.publicFile, changes)]]), revoked: new Set(revoked)}})
    expect(codeOf(checkJob(id, seal(), keyed({}, [kid])))).toBe('key-revoked')
    expect(codeOf(checkJob(id, seal(), context({trust: {keys: new Map(), revoked: new Set([kid])}})))).toBe(
      'key-revoked',
    )
    expect(codeOf(checkJob(id, seal(), keyed({expiresAtMs: now - 1})))).toBe('key-expired')
    expect(codeOf(checkJob(id, seal(), keyed({notBeforeMs: now + 1})))).toBe('key-expired')
  })

  it('refuse a signature that was made for another type of document', () => {
    const value = JSON.parse(sealEnvelope('baton-ctl/1', encodeManifest(manifest()), [ours.key]).toString()) as object
    const renamed = Buffer.from(JSON.stringify({...value, t: 'baton-exec/1'}))
    expect(codeOf(checkJob(id, renamed, context()))).toBe('bad-signature')
  })

  it('count each key once if a policy requires several signatures', () => {
    const policy: Policy = {...openPolicy, requiredSignatures: 2}
    const keys = new Map([
      [ours.key.kid, trusted(ours.publicFile, {policies: [policy]})],
      [second.key.kid, trusted(second.publicFile)],
    ])
    const both = context({trust: {keys, revoked: new Set()}})
    expect(codeOf(checkJob(id, seal(), both))).toBe('too-few-signatures')
    expect(codeOf(checkJob(id, seal({}, [ours.key, ours.key]), both))).toBe('too-few-signatures')
    expect(codeOf(checkJob(id, seal({}, [second.key, ours.key]), both))).toBe('accepted')
  })

  it('apply the policies of all signers to a job, in whatever order its signatures are', async () => {
    const limited: Policy = {...openPolicy, canUseShell: false}
    const keys = new Map([
      [ours.key.kid, trusted(ours.publicFile)],
      [second.key.kid, trusted(second.publicFile, {policies: [limited]})],
    ])
    for (const signers of [
      [ours.key, second.key],
      [second.key, ours.key],
    ]) {
      const checked = checkJob(id, seal({}, signers), context({trust: {keys, revoked: new Set()}}))
      if (!checked.isAccepted) throw new Error(checked.refusal.reason)
      expect(await checkPolicies(checked.policies, checked.manifest, 'n1')).toMatchObject({code: 'policy'})
    }
  })

  it('accept an unsigned job only if there is a policy for unsigned jobs, and apply that policy', () => {
    const unsignedPolicy: Policy = {...openPolicy, canUseShell: false}
    expect(checkJob(id, seal({}, []), context({unsignedPolicy}))).toMatchObject({
      policies: [{canUseShell: false}],
      signers: [],
    })
    expect(codeOf(checkJob(id, seal({}, [foreign.key]), context({unsignedPolicy})))).toBe('unknown-key')
  })

  it('accept a job that was signed by a clock that is 30 s fast', () => {
    expect(codeOf(checkJob(id, seal(), context({nowMs: now - 30_000})))).toBe('accepted')
  })
})

describe('the checks of a signed cancellation', () => {
  const codeAt = (expiresAtMs: number): string | undefined =>
    checkControlTime({id, verb: 'cancel', expiresAtMs}, {nowMs: now, maxValidityMs: 300_000, job: {expiresAtMs: now}})
      ?.code

  it('accept a cancellation that expires within the maximum validity', () => {
    expect([codeAt(now), codeAt(now + 300_000)]).toEqual([undefined, undefined])
  })

  it('refuse a cancellation that has expired or is valid for longer than the maximum', () => {
    expect([codeAt(now - 1), codeAt(now + 300_001), codeAt(9e15)]).toEqual([
      'expired',
      'valid-too-long',
      'valid-too-long',
    ])
  })

  it.each(['-1', '1.5', '1e308', '9007199254740992', '"1"', 'null'])('refuse the expiry time %s', exp => {
    expect(parseControl(Buffer.from(`{"v":1,"id":"${id}","verb":"cancel","exp":${exp}}`))).toBeUndefined()
  })
})

describe('checkPolicies, for a job signed with a key', () => {
  const strict: Policy = {allowedCommands: [['/usr/bin/df', '-[hk]', '/[a-z]*']]}
  const refusal = async (policy: Policy, changes: Partial<Manifest>): Promise<string | undefined> =>
    (await checkPolicies([policy], manifest(changes), 'n1'))?.reason
  const argv = (...words: string[]): Partial<Manifest> => ({command: {kind: 'argv', argv: words}})

  it('allows every job if the key has no policy', async () => {
    expect(await refusal(openPolicy, {})).toBeUndefined()
    expect(await refusal(openPolicy, argv('x'))).toBeUndefined()
  })

  it('allows a listed command if each argument matches its pattern completely', async () => {
    expect(await refusal(strict, argv('/usr/bin/df', '-h', '/var'))).toBeUndefined()
  })

  it.each([
    ['a shell', {}],
    ['a script', {command: {kind: 'script' as const, script: Buffer.from('x')}}],
    ['a name to be looked up on the PATH', argv('df', '-h', '/var')],
    ['one argument too many', argv('/usr/bin/df', '-h', '/var', '/etc')],
    ['one argument too few', argv('/usr/bin/df', '-h')],
    ['an argument of which only the beginning matches its pattern', argv('/usr/bin/df', '-h', '/var;reboot')],
    ['an argument with a second line', argv('/usr/bin/df', '-h', '/var\n/x')],
    ['another program', argv('/usr/bin/dd', '-h', '/var')],
  ])('refuses %s', async (_, changes) => {
    expect(await refusal(strict, changes)).toBeDefined()
  })

  it('refuses a job without a timeout if the policy has a maximum timeout', async () => {
    expect(await refusal({...openPolicy, maxTimeoutMs: 999}, {timeoutMs: Number.POSITIVE_INFINITY})).toBe(
      "the job has no timeout, which is above the key's 999ms",
    )
  })

  it('refuses a node whose name does not match the policy, and a timeout above the maximum of the policy', async () => {
    expect(await refusal({...openPolicy, nodes: '^web'}, {})).toMatch(/n1/)
    expect(await refusal({...openPolicy, maxTimeoutMs: 999}, {})).toMatch(/timeout/)
  })
})
