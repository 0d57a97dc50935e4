import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {openFolder} from '../../integration/exec/support.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {type CommandHandle, startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'

const backend = backends.find(({name}) => name === 'embedded') ?? backends[0]
if (!backend) throw new Error('no backend')

describe('baton keys sign, keys verify, responder check and exec submit', () => {
  const agent = sharedAgent(backend)
  let folder: Awaited<ReturnType<typeof openFolder>>
  let responder: CommandHandle
  const at = (name: string): string => join(folder.path, name)
  const run = (...words: string[]) =>
    runInProcess(words, {agent, env: {XDG_CONFIG_HOME: folder.path, HOME: folder.path}})
  const trust = (): string[] => ['--trust-dir', at('trust')]
  const check = () => run('responder', 'check', '--name', 'p1', '--state-dir', at('state'), ...trust(), at('two.job'))

  beforeAll(async () => {
    folder = await openFolder()
    writeFileSync(at('both.json'), '{"shell": true, "needs_m": 2}')
    for (const name of ['default', 'second']) {
      expect((await run('keys', 'init', name)).exitCode).toBe(0)
      const publicFile = at(`baton/keys/${name}.pub.json`)
      expect((await run('keys', 'add', ...trust(), '--policy', at('both.json'), publicFile)).exitCode).toBe(0)
    }
    responder = startCli(['responder', '--name', 'p1', '--state-dir', at('state'), ...trust()], {agent})
    await responder.waitForOutput(/responder p1: ready/, {timeoutMs: 30_000})
  })
  afterAll(async () => {
    await responder[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  it('show what a prepared job would do and who has signed it, and run the job that two people have signed', async () => {
    expect((await run('exec', '--prepare', at('two.job'), '--nodes', 'p1', 'echo both')).exitCode).toBe(0)
    const alone = await check()
    expect([alone.exitCode, alone.stdout]).toEqual([
      6,
      expect.stringContaining('p1 would refuse it: too-few-signatures: 1 of 2\n'),
    ])
    const signed = await run('keys', 'sign', '--key', 'second', at('two.job'))
    expect(signed.stdout).toMatch(/^runs: {4}by \$SHELL -c: echo both\non: {6}1 node\(s\): p1\n/m)
    const verified = await run('keys', 'verify', ...trust(), at('two.job'))
    expect([verified.exitCode, verified.stdout.match(/: valid$/gm)?.length]).toEqual([0, 2])
    expect((await check()).exitCode).toBe(0)
    const submitted = await run('exec', 'submit', at('two.job'))
    expect([submitted.exitCode, submitted.stdout]).toEqual([0, expect.stringContaining('    p1: both\n')])
  })

  it('refuse a job that was changed after it was signed', async () => {
    await run('exec', '--prepare', at('changed.job'), '--nodes', 'p1', 'echo both')
    const {p, ...rest} = JSON.parse(readFileSync(at('changed.job'), 'utf8')) as {p: string}
    const changed = Buffer.from(p, 'base64url').toString().replace('echo both', 'echo evil')
    writeFileSync(at('changed.job'), JSON.stringify({p: Buffer.from(changed).toString('base64url'), ...rest}))
    const verified = await run('keys', 'verify', ...trust(), at('changed.job'))
    expect([verified.exitCode, verified.stdout]).toEqual([6, expect.stringContaining('WRONG')])
    expect((await run('exec', 'submit', at('changed.job'))).exitCode).toBe(6)
  })

  it('report what is wrong if a file is not a prepared job or already exists', async () => {
    writeFileSync(at('junk.job'), 'junk')
    const junk = await run('keys', 'sign', at('junk.job'))
    expect([junk.exitCode, junk.stderr]).toEqual([64, expect.stringContaining('not a prepared job')])
    const again = await run('exec', '--prepare', at('junk.job'), '--nodes', 'p1', 'true')
    expect([again.exitCode, again.stderr]).toEqual([64, expect.stringContaining('cannot write')])
  })
})
