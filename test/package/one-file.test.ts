import {execFile} from 'node:child_process'
import {createHash} from 'node:crypto'
import {mkdir, mkdtemp, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
// @ts-expect-error the build has no types
import {buildOneFile as untyped} from '../../bin/one-file.mjs'
import {startEmbeddedAgent} from '../../src/embedded/index.js'
import {isAlive} from '../kit/processes.js'
import {startCommand} from '../kit/run-cli.js'
import {waitUntil} from '../kit/wait-until.js'

const buildOneFile = untyped as (arch: string, folder: string, node: string) => Promise<string>
const run = promisify(execFile)

let home: string
let baton: string
/** The environment: an empty HOME, and a PATH without node. */
let env: {HOME: string; PATH: string}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'baton-one-file-'))
  baton = await buildOneFile(process.arch, join(home, 'a'), process.execPath)
  env = {HOME: join(home, 'empty'), PATH: join(home, 'bin')}
  await mkdir(env.HOME)
  await mkdir(env.PATH)
  for (const name of ['sh', 'bash', 'sleep', 'env', 'echo', 'cat', 'kill']) {
    await symlink(`/bin/${name}`, join(env.PATH, name)).catch(() => {})
  }
}, 120_000)

afterAll(() => rm(home, {recursive: true, force: true}))

const call = async (...words: string[]): Promise<string> => (await run(baton, words, {cwd: env.HOME, env})).stdout

describe('baton as one file, without Node on the machine', () => {
  it('is byte for byte the same if it is built in another folder', async () => {
    const other = await buildOneFile(process.arch, join(home, 'b'), process.execPath)
    const digests = [baton, other].map(async file =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    )
    const [first, second] = await Promise.all(digests)
    expect(second).toBe(first)
  }, 300_000)

  it('prints its version, even if NODE_OPTIONS is set', async () => {
    const {version} = JSON.parse(await readFile('package.json', 'utf8')) as {version: string}
    expect(await call('--version')).toBe(`baton ${version}\n`)
    const options = {env: {...env, NODE_OPTIONS: '--max-old-space-size=512'}}
    expect((await run(baton, ['--version'], options)).stdout).toBe(`baton ${version}\n`)
  })

  it('reads HCL, shows help, and creates a key for signing jobs', async () => {
    const settings = join(home, 'replicate.hcl')
    await writeFile(settings, 'prefix {\n  source = "global@dc2"\n}\n')
    expect(await call('replicate', '--config', settings, '--print-config')).toContain('global@dc2')
    expect(await call('lock', '--help')).toContain('USAGE')
    expect(await call('help')).toContain('baton COMMAND')
    await call('keys', 'init', '--keys-dir', join(home, 'keys'))
    expect(await call('keys', 'ls', '--keys-dir', join(home, 'keys'))).toContain('default')
  })

  it('runs `baton tour`', async () => {
    expect(await call('tour')).toMatch(/2 \/ 2 node\(s\) completed/)
  }, 120_000)

  it('releases the lock and stops the child after baton was killed with SIGKILL', async () => {
    await using agent = await startEmbeddedAgent({port: 0})
    const words = ['lock', 'job', '--ttl', '60s', '--http-addr', agent.address, '--', 'sh', '-c', 'echo $$; sleep 100']
    await using lock = startCommand(baton, words, {env, cwd: env.HOME})
    await lock.waitForOutput(/^\d+\n/, {stream: 'stdout'})
    const child = Number(lock.stdout)
    lock.kill('SIGKILL')
    const read = async (): Promise<{Session?: string} | undefined> => {
      const answer = await fetch(`${agent.address}/v1/kv/job/.lock`)
      return answer.ok ? ((await answer.json()) as {Session?: string}[])[0] : undefined
    }
    await waitUntil(async () => (await read())?.Session === undefined, {what: 'the release', timeoutMs: 30_000})
    expect(isAlive(child)).toBe(false)
  })
})
