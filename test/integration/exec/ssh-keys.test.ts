import {execFileSync, spawn} from 'node:child_process'
import {verify} from 'node:crypto'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {SigningKey} from '../../../src/exec/native/envelope.js'
import {addTrust, listTrust, readSigningKey} from '../../../src/exec/native/key-files.js'
import {parseAllowedSigners} from '../../../src/exec/native/ssh/allowed-signers.js'
import {parseSshPublicLine} from '../../../src/exec/native/ssh/keys.js'
import {sshsigBytes} from '../../../src/exec/native/ssh/sshsig.js'
import {WireReader} from '../../../src/exec/native/ssh/wire.js'
import {trustFromDirectory} from '../../../src/exec/native/trust.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {followRun, openFolder, startResponder} from './support.js'

/** Uses the real `ssh-agent` and `ssh-keygen`. */
describe('OpenSSH keys', () => {
  let folder: Awaited<ReturnType<typeof openFolder>>
  let agent: ReturnType<typeof spawn>
  const at = (name: string): string => join(folder.path, name)
  const socket = (): string => at('agent')
  const makeKey = (name: string, type = 'ed25519', passphrase = ''): string => {
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', `${name}@host`, '-f', at(name)])
    return readFileSync(at(`${name}.pub`), 'utf8')
  }

  beforeAll(async () => {
    folder = await openFolder()
    agent = spawn('ssh-agent', ['-D', '-a', socket()], {stdio: 'ignore'})
    for (const name of ['one', 'two']) makeKey(name)
    makeKey('locked', 'ed25519', 'secret words')
    makeKey('rsa', 'rsa')
    const add = (name: string) =>
      execFileSync('ssh-add', ['-q', at(name)], {env: {...process.env, SSH_AUTH_SOCK: socket()}, stdio: 'ignore'})
    await waitUntil(() => (add('two'), true), {what: 'the agent'})
  })
  afterAll(async () => {
    agent.kill()
    await folder[Symbol.asyncDispose]()
  })

  const read = (name: string): Promise<SigningKey> => readSigningKey(folder.path, at(name), socket())

  it('make the same signatures as ssh-keygen', () => {
    writeFileSync(at('message'), 'a message')
    execFileSync('ssh-keygen', ['-Y', 'sign', '-q', '-f', at('one'), '-n', 'baton-exec', at('message')], {
      stdio: 'ignore',
    })
    const armoured = readFileSync(at('message.sig'), 'utf8').replaceAll(/-----[^-]+-----|\s/g, '')
    const reader = new WireReader(Buffer.from(armoured, 'base64'))
    reader.bytes(6)
    reader.uint32()
    for (let part = 0; part < 4; part += 1) reader.string()
    const signature = new WireReader(reader.string())
    signature.string()
    const {publicKey} = parseSshPublicLine(readFileSync(at('one.pub'), 'utf8'), 'one')
    expect(verify(null, sshsigBytes(Buffer.from('a message')), publicKey, signature.string())).toBe(true)
  })

  it('are refused, with the reason, if they cannot be used', async () => {
    await expect(read('locked')).rejects.toThrow('passphrase')
    await expect(read('rsa')).rejects.toThrow('ssh-rsa')
    await expect(read('rsa.pub')).rejects.toThrow('only ssh-ed25519')
    await expect(read('locked.pub')).rejects.toThrow('does not have it')
    await expect(readSigningKey(folder.path, at('two.pub'))).rejects.toThrow('SSH_AUTH_SOCK')
    await expect(readSigningKey(folder.path, at('two.pub'), at('nothing'))).rejects.toThrow('ssh-agent')
    writeFileSync(at('torn'), readFileSync(at('one'), 'utf8').slice(0, 200), {mode: 0o600})
    await expect(read('torn')).rejects.toThrow('damaged')
  })

  it('are read from a file of allowed signers, with their namespaces and dates', () => {
    const line = readFileSync(at('one.pub'), 'utf8').trim()
    const parse = (text: string) => parseAllowedSigners(text, 'file')
    const both = parse(`# x\n\nada@host ${line}\n* namespaces="git,baton-exec",valid-before="20300101Z" ${line}\n`)
    expect(both.map(({name}) => name)).toEqual(['ada@host', 'one@host'])
    expect(both[1]?.expiresAtMs).toBe(Date.parse('2030-01-01T00:00:00Z'))
    expect(parse(`ada namespaces="git" ${line}`)).toEqual([])
    for (const bad of [`ada cert-authority ${line}`, 'ada', `ada valid-after="soon" ${line}`, 'ada ssh-rsa AAAA']) {
      expect(() => parse(bad)).toThrow('file, line 1')
    }
  })

  describe.each(backends)('on $name', backend => {
    const consul = sharedAgent(backend)

    it('sign jobs for responders that trust them, whether the key is in a file or in an ssh-agent', async () => {
      const trust = at(`trust-${backend.name}`)
      mkdirSync(trust, {mode: 0o755})
      const [one, two] = ['one.pub', 'two.pub'].map(name => readFileSync(at(name), 'utf8'))
      await addTrust(trust, one ?? '', {changes: {}, nowMs: Date.now()})
      writeFileSync(join(trust, 'allowed_signers'), `ada@host namespaces="baton-exec" ${two ?? ''}`, {mode: 0o644})
      const listed = await listTrust(trust)
      expect(listed.keys.map(({key}) => key.name)).toEqual(['one@host', 'ada@host'])
      const options = {stateDirectory: at(`state-${backend.name}`), node: 'ssh', trust: trustFromDirectory(trust)}
      await using _responder = await startResponder(consul.address, options)
      await using client = createClient({address: consul.address})
      const run = async (...names: string[]): Promise<unknown> => {
        const keys = await Promise.all(names.map(read))
        const initiator = createInitiator(client, {keys, ackTimeoutMs: 20_000, via: 'native'})
        await using started = await initiator.run({command: {kind: 'shell', line: 'true'}}, {names: ['ssh']})
        return (await followRun(started)).summary.nodes[0]?.outcome
      }
      expect(await run('one')).toEqual({type: 'ok'})
      expect(await run('two.pub')).toEqual({type: 'ok'})
      expect(await run('one', 'two.pub')).toEqual({type: 'ok'})
      writeFileSync(join(trust, 'allowed_signers'), '', {mode: 0o644})
      expect(await run('two.pub')).toMatchObject({type: 'refused', code: 'unknown-key'})
    })
  })
})
