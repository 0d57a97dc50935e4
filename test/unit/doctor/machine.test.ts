import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {examineKeys} from '../../../src/doctor/keys.js'
import {examineGuardian, examineNode, examinePlatform, examineToken} from '../../../src/doctor/machine.js'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-doctor-'))
})
afterAll(() => rmSync(folder, {recursive: true}))

describe('doctor, when it examines the machine', () => {
  it.each([
    ['v20.18.1', 'ok'],
    ['v20.20.2', 'ok'],
    ['v24.0.0', 'ok'],
    ['v20.18.0', 'fail'],
    ['v18.99.99', 'fail'],
  ])('judges version %s of Node as %s', (version, verdict) => {
    expect(examineNode(version)).toMatchObject({
      check: 'node',
      verdict,
      text: expect.stringContaining(version.slice(1)),
    })
  })

  it('reports what can run the guardian process of `baton lock`: bash from the PATH, otherwise node, otherwise nothing', () => {
    const bash = join(folder, 'bash')
    writeFileSync(bash, '', {mode: 0o755})
    expect(examineGuardian(`/nowhere::${folder}`, true)).toMatchObject({verdict: 'ok', text: 'of lock: bash'})
    chmodSync(bash, 0o644)
    expect(examineGuardian(folder, true)).toMatchObject({verdict: 'ok', text: expect.stringContaining('a second node')})
    expect(examineGuardian(folder, false)).toMatchObject({verdict: 'warn', text: expect.stringContaining('no /proc')})
  })

  it('warns about a token in a file that others can read, or on the command line', () => {
    const file = join(folder, 'token')
    writeFileSync(file, 'secret', {mode: 0o600})
    expect(examineToken({file})).toMatchObject({verdict: 'ok'})
    chmodSync(file, 0o640)
    expect(examineToken({file})).toMatchObject({verdict: 'warn', fix: `chmod 600 ${file}`})
    expect(examineToken('flag')).toMatchObject({verdict: 'warn'})
    expect(examineToken('other')).toMatchObject({verdict: 'ok'})
    expect(examineToken('none')).toMatchObject({verdict: 'ok'})
  })

  it.each([
    ['linux', 'ok'],
    ['darwin', 'warn'],
    ['win32', 'fail'],
  ])('judges the platform %s as %s', (platform, verdict) => {
    expect(examinePlatform(platform)).toMatchObject({check: 'platform', verdict})
  })

  it('reports the signing keys, and the keys that a responder trusts', () => {
    const own = [{kid: 'k1', name: 'default', problem: undefined, fix: undefined}]
    const base = {
      keysDirectory: '/k',
      own,
      ownProblem: undefined,
      defaultName: 'default',
      trustDirectory: '/t',
      hasTrustDirectory: true,
      trusted: [{kid: 'k1', name: 'default'}],
      revoked: [],
      trustProblems: [],
    }
    expect(examineKeys(base)).toMatchObject([
      {check: 'keys', verdict: 'ok', text: 'signing: k1 (default)'},
      {check: 'trust', verdict: 'ok', text: 'a responder here trusts k1 (default)'},
    ])
    expect(examineKeys({...base, revoked: ['k1']})).toMatchObject([
      {check: 'keys', verdict: 'warn', text: 'revoked on this machine: k1 (default)'},
      {check: 'trust', verdict: 'warn', text: expect.stringContaining('holds no valid key'), fix: expect.any(String)},
    ])
    expect(examineKeys({...base, own: [], ownProblem: 'key x: bad', trustProblems: ['y: bad']})).toMatchObject([
      {check: 'keys', verdict: 'warn', text: 'key x: bad'},
      {check: 'trust', verdict: 'warn', text: 'y: bad', fix: expect.stringContaining('correct or remove that file')},
    ])
    const me = {kid: 'k2', name: 'me', problem: undefined, fix: undefined}
    expect(examineKeys({...base, own: [me], hasTrustDirectory: false})).toMatchObject([
      {check: 'keys', verdict: 'warn', text: expect.stringMatching(/key default, which cannot be used.*k2 \(me\)/)},
      {check: 'trust', verdict: 'ok', text: 'no /t: no responder of this machine runs signed jobs'},
    ])
    const broken = {kid: undefined, name: 'default', problem: 'key /k/default.key.json: bad', fix: 'run: x'}
    expect(examineKeys({...base, own: [broken]})).toMatchObject([
      {check: 'keys', verdict: 'warn', text: 'key /k/default.key.json: bad', fix: 'run: x'},
      {check: 'trust', verdict: 'ok'},
    ])
  })
})
