import {chmod, mkdtemp, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {
  type AddOptions,
  addTrust,
  initKey,
  listOwnKeys,
  listTrust,
  readDefaultKey,
  readSigningKey,
  revokeTrust,
} from '../../../../src/exec/native/key-files.js'
import {generateKey} from '../../../../src/exec/native/keys.js'
import {openPolicy} from '../../../../src/exec/native/policy.js'
import {trustFromDirectory, trustKeys} from '../../../../src/exec/native/trust.js'

let root: string
let keys: string
let trust: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keys-'))
  keys = join(root, 'keys')
  trust = join(root, 'trust.d')
})
afterEach(() => rm(root, {recursive: true}))

const added = (changes: AddOptions['changes']): AddOptions => ({changes, nowMs: Date.parse('2026-01-01')})
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

describe('key files', () => {
  it('can be read only by their owner', async () => {
    const made = await initKey(keys, 'default', 0)
    expect(await modeOf(made.privatePath)).toBe(0o600)
    expect(await modeOf(keys)).toBe(0o700)
    expect((await readDefaultKey(keys))?.kid).toBe(made.kid)
    expect(await listOwnKeys(keys)).toMatchObject([{kid: made.kid, name: 'default'}])
  })

  it('are never overwritten by another key', async () => {
    const made = await initKey(keys, 'default', 0)
    await expect(initKey(keys, 'default', 0)).rejects.toThrow(/exists/)
    expect((await readSigningKey(keys, 'default')).kid).toBe(made.kid)
  })

  it.each([0o640, 0o604, 0o660])(
    'with mode %o are refused with a message that names the command to correct the mode',
    async mode => {
      const {privatePath} = await initKey(keys, 'default', 0)
      await chmod(privatePath, mode)
      await expect(readSigningKey(keys, 'default')).rejects.toMatchObject({
        message: expect.stringContaining('may be read by group or others'),
        hint: `run: chmod 600 ${privatePath}`,
      })
    },
  )

  it.each(['../x', 'a/b', '', '.hidden', 'x'.repeat(65)])('cannot have the name %j', async name => {
    await expect(initKey(keys, name, 0)).rejects.toMatchObject({code: 'BATON_USAGE'})
  })

  it('are refused with a message of one line if they contain no key or cannot be read', async () => {
    const path = join(root, 'x.json')
    await writeFile(path, '{"v":1}', {mode: 0o600})
    await expect(readSigningKey(keys, path)).rejects.toThrow(/not a private key of baton/)
    await expect(readSigningKey(keys, 'nobody')).rejects.toThrow(/cannot read it/)
  })

  it('are refused with the advice to write ./ if a name without a slash is that of a file in the current folder', async () => {
    await expect(readSigningKey(keys, 'package.json')).rejects.toMatchObject({
      hint: 'for the file, write ./package.json',
    })
    await expect(readSigningKey(keys, 'no-such-file')).rejects.toMatchObject({hint: undefined})
  })
})

describe('the directory of trusted keys', () => {
  const publicOf = async (): Promise<{kid: string; text: string}> => {
    const made = await initKey(keys, 'deploy', 0)
    return {kid: made.kid, text: await readFile(made.publicPath, 'utf8')}
  }

  it('contains added keys with their policies, and lists revoked keys', async () => {
    const {kid, text} = await publicOf()
    await addTrust(trust, text, added({policy: {...openPolicy, canUseShell: false}}))
    const before = await trustFromDirectory(trust)()
    expect(before.keys.get(kid)).toMatchObject({name: 'deploy', policies: [{canUseShell: false}]})
    await revokeTrust(trust, 'deploy')
    expect((await trustFromDirectory(trust)()).revoked).toEqual(new Set([kid]))
    expect(await listTrust(trust)).toMatchObject({revoked: [kid], keys: [{key: {kid}}]})
  })

  it('refuses to add a key under the name of another key', async () => {
    const {text} = await publicOf()
    await addTrust(trust, text, added({}))
    await addTrust(trust, text, added({expires: '2030-01-01'}))
    await expect(addTrust(trust, generateKey('deploy', 0).publicFile, added({}))).rejects.toThrow(/holds another key/)
  })

  it('restricts a key that has entries under two names by both entries, in whatever order they are read', async () => {
    const {kid, text} = await publicOf()
    const limited = {...openPolicy, canUseShell: false}
    await addTrust(trust, text, added({name: 'mm', policy: limited, expires: '2030-01-01'}))
    for (const name of ['aa', 'zz']) {
      expect(await addTrust(trust, text, added({name, expires: '2031-01-01'}))).toMatchObject({
        alsoIn: expect.arrayContaining([join(trust, 'mm.json')]),
      })
    }
    const key = (await trustFromDirectory(trust)()).keys.get(kid)
    expect(key?.policies).toContainEqual(expect.objectContaining(limited))
    expect(key?.expiresAtMs).toBe(Date.parse('2030-01-01'))
    const files = await Promise.all(['mm', 'zz'].map(name => readFile(join(trust, `${name}.json`), 'utf8')))
    for (const order of [files, files.toReversed()]) {
      expect((await trustKeys(order)()).keys.get(kid)?.policies).toContainEqual(expect.objectContaining(limited))
    }
  })

  it('keeps and reports the restrictions of a key that is added again without them', async () => {
    const {kid, text} = await publicOf()
    const policy = {...openPolicy, canUseShell: false}
    await addTrust(trust, text, added({policy, expires: '2030-01-01'}))
    expect(await addTrust(trust, text, added({}))).toMatchObject({kept: ['policy', 'exp'], alsoIn: []})
    expect((await trustFromDirectory(trust)()).keys.get(kid)).toMatchObject({
      policies: [policy],
      expiresAtMs: Date.parse('2030-01-01'),
    })
    expect(await addTrust(trust, text, added({policy: openPolicy, expires: '2031-01-01'}))).toMatchObject({kept: []})
  })

  it('refuses to add a key that is revoked or has expired, and writes nothing', async () => {
    const {text} = await publicOf()
    await expect(addTrust(trust, text, added({expires: '2025-12-31'}))).rejects.toThrow(/expired at 2025-12-31/)
    expect((await listTrust(trust)).keys).toEqual([])
    await addTrust(trust, text, added({}))
    await revokeTrust(trust, 'deploy')
    await expect(addTrust(trust, text, added({name: 'again'}))).rejects.toThrow(/revoked in/)
    expect((await listTrust(trust)).keys).toHaveLength(1)
  })

  it('refuses to add a private key, or a key with the ID of another key', async () => {
    const {text} = await publicOf()
    await expect(addTrust(trust, '{"v":1,"kty":"OKP"}', added({}))).rejects.toThrow(/not a public key/)
    await expect(addTrust(trust, text.replace(/"kid": "./, '"kid": "z'), added({}))).rejects.toThrow(
      /do not belong together/,
    )
    await expect(addTrust(trust, text, added({expires: 'someday'}))).rejects.toThrow(/not a date/)
  })

  it('does not contain the secret part of a key', async () => {
    const made = await initKey(keys, 'own', 0)
    const {path} = await addTrust(trust, await readFile(made.publicPath, 'utf8'), added({}))
    expect(JSON.parse(await readFile(path, 'utf8'))).not.toHaveProperty('d')
  })

  it.each(['the directory', 'a file'])(
    'trusts no key and reports the reason if other users can write %s',
    async what => {
      const {text} = await publicOf()
      const {path} = await addTrust(trust, text, added({}))
      const place = what === 'a file' ? path : trust
      await chmod(place, what === 'a file' ? 0o664 : 0o777)
      const {keys, trouble} = await trustFromDirectory(trust)()
      expect([keys.size, trouble?.message]).toEqual([0, expect.stringContaining('writable by group or others')])
      expect((await listTrust(trust)).problems).toEqual([expect.stringContaining('writable by group or others')])
    },
  )

  it.each([
    ['broken JSON', '{"v":1'],
    ['an unknown policy field', JSON.stringify({v: 1, policy: {may_reboot: true}})],
  ])(
    'keeps the keys that were last read if a file with %s appears, except revoked and removed keys',
    async (_, pushed) => {
      const texts = [generateKey('stays', 0), generateKey('withdrawn', 0), generateKey('removed', 0)]
      for (const {publicFile} of texts) await addTrust(trust, publicFile, added({}))
      const source = trustFromDirectory(trust)
      expect((await source()).keys.size).toBe(3)
      await writeFile(join(trust, 'bad.json'), pushed)
      await revokeTrust(trust, 'withdrawn')
      await rm(join(trust, 'removed.json'))
      const {keys, revoked, trouble} = await source()
      expect(trouble?.message).toContain('bad.json')
      expect([...keys.values()].filter(key => !revoked.has(key.kid)).map(key => key.name)).toEqual(['stays'])
      expect((await listTrust(trust)).problems).toEqual([expect.stringContaining('bad.json')])
      await rm(join(trust, 'bad.json'))
      expect(await source()).not.toHaveProperty('trouble')
    },
  )

  it('trusts no key and reports the reason if the directory does not exist or was removed', async () => {
    await addTrust(trust, (await publicOf()).text, added({}))
    const source = trustFromDirectory(trust)
    await source()
    await rm(trust, {recursive: true})
    expect(await source()).toMatchObject({keys: new Map(), trouble: {code: 'BATON_CONFIG'}})
  })

  it('does not overwrite the file of a trusted key that cannot be read', async () => {
    const {text} = await publicOf()
    const {path} = await addTrust(trust, text, added({}))
    await writeFile(path, '{')
    await expect(addTrust(trust, text, added({}))).rejects.toThrow(/not a public key/)
  })
})
