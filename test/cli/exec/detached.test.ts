import {existsSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {trustFromDirectory} from '../../../src/exec/native/trust.js'
import {expectNothingLeft, openFolder, startResponder, type TestResponder} from '../../integration/exec/support.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {type InProcessResult, runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const backend = backends.find(({name}) => name === 'embedded') ?? backends[0]!

describe('baton exec --detach', () => {
  const agent = sharedAgent(backend)
  let folder: Awaited<ReturnType<typeof openFolder>>
  let client: ConsulClient
  let responder: TestResponder
  const at = (name: string): string => join(folder.path, name)
  const run = (...words: string[]): Promise<InProcessResult> =>
    runInProcess(['exec', ...words], {agent, env: {XDG_CONFIG_HOME: at('config'), XDG_STATE_HOME: at('state-home')}})
  const detach = async (...words: string[]): Promise<string> => {
    const {stdout, stderr, exitCode} = await run('--detach', '--via=native', '--grace=500ms', ...words)
    expect(exitCode, stderr).toBe(0)
    expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/)
    return stdout.trim()
  }
  const forget = async (): Promise<void> => {
    for (const {id} of (await client.session.list()).value) await client.session.destroy(id)
    await expectNothingLeft(client)
  }

  beforeAll(async () => {
    folder = await openFolder()
    client = createClient({address: agent.address})
    const keys = (...words: string[]) => runInProcess(['keys', ...words], {agent, env: {XDG_CONFIG_HOME: at('config')}})
    expect((await keys('init')).exitCode).toBe(0)
    const added = await keys('add', '--trust-dir', at('trust'), at('config/baton/keys/default.pub.json'))
    expect(added.exitCode, added.stderr).toBe(0)
    const trust = trustFromDirectory(at('trust'))
    responder = await startResponder(agent.address, {node: 'web1', stateDirectory: at('state'), trust})
  })
  afterAll(async () => {
    await responder[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  it('prints the ID of the job and exits; `exec ls`, `show`, `attach` and `cancel` then list, show, follow and stop the job', async () => {
    const job = await detach(
      '--timeout=1m',
      `echo one; while [ ! -e ${at('go')} ]; do sleep 0.05; done; echo two; exit 3`,
    )
    await waitUntil(async () => (await run('ls')).stdout.includes('1 running'), {what: 'the node to run it'})
    const shown = await run('show', job.slice(0, 24))
    expect(shown.exitCode).toBe(9)
    expect(shown.stdout).toContain('==> web1: not ended: it runs the job\n')
    expect(shown.stderr).not.toContain('not verified')
    writeFileSync(at('go'), '')
    const attached = await run('attach', job)
    expect(attached.stdout).toBe(
      '    web1: one\n    web1: two\n==> web1: finished with exit code 3\n1 / 1 node(s) completed / acknowledged\n0 ok; 1 failed: web1 (exit code 3)\n',
    )
    expect(attached.exitCode).toBe(2)
    expect((await run('cancel', job)).exitCode).toBe(2)
    await forget()
    const gone = await run('show', job)
    expect({exitCode: gone.exitCode, stderr: gone.stderr}).toMatchObject({exitCode: 64})
    expect(gone.stderr).toContain('Consul has no job')

    const second = await detach(`touch ${at('began')}; sleep 60`)
    await waitUntil(() => existsSync(at('began')), {what: 'the second job'})
    const cancelled = await run('cancel', '--kill', second)
    expect(cancelled.stdout).toContain('==> web1: cancelled\n')
    expect(cancelled.exitCode).toBe(1)
    await forget()
  })

  it('warns if the user does not trust the signer of the job', async () => {
    const job = await detach('true')
    const stranger = {XDG_CONFIG_HOME: at('stranger'), XDG_STATE_HOME: at('stranger')}
    const {stderr, exitCode} = await runInProcess(['exec', 'attach', job], {agent, env: stranger})
    expect(stderr).toContain('exec: the job is not verified: key ')
    expect(exitCode).toBe(0)
    await forget()
  })

  it('refuses invalid arguments with one line and the right exit code', async () => {
    const fails = async (words: string[], exitCode: number, text: string): Promise<void> => {
      const result = await run(...words)
      expect({words, exitCode: result.exitCode}).toEqual({words, exitCode})
      expect(result.stderr).toContain(text)
    }
    await fails(['--detach', '--via=native', '--nodes=nope', 'true'], 6, 'nope: refused: not-detachable')
    await fails(['--detach', '--via=native', '--node=nope', 'true'], 5, 'no node matched')
    await fails(['--detach', '--batch=1', 'true'], 64, 'does not go with')
    await fails(['--keep=1h', 'true'], 64, '--keep: only with --detach')
    await fails(['--detach', '--keep=25h', 'true'], 64, "--keep: '25h' is above 24h")
    await fails(['--detach', '--keep=1h', '--timeout=1h', 'true'], 64, 'keep it longer')
    await fails(['show'], 64, 'which job?')
    await fails(['show', '../x'], 64, 'Consul has no job ../x')
    await fails(['ls', '-la'], 64, '')
    await fails(['ls', '/tmp'], 64, 'baton exec -- ls /tmp')
  })
})
