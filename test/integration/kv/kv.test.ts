import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {cliPath, runCommand, startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-kv-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

describe.each(backends)('baton kv on $name', backend => {
  const agent = sharedAgent(backend)
  const kv = (words: readonly string[], input?: Uint8Array) =>
    runInProcess(['kv', ...words], {agent, ...(input !== undefined && {input})})

  it('keeps the bytes of a value unchanged in put, get, export and import', async () => {
    const bytes = Buffer.from(Array.from({length: 256}, (_, n) => n))
    expect((await kv(['put', 'k/bytes', '-', '--flags=18446744073709551615'], bytes)).exitCode).toBe(0)
    expect((await kv(['get', 'k/bytes', '--raw'])).stdoutBytes).toEqual(bytes)
    const exported = await kv(['export', 'k/bytes'])
    await kv(['delete', 'k/bytes'])
    expect((await kv(['import', '-'], exported.stdoutBytes)).stdout).toBe('Imported: k/bytes\n')
    const back = await kv(['get', 'k/bytes', '--json'])
    expect(back.stdout).toContain('"flags": 18446744073709551615')
    expect((JSON.parse(back.stdout) as {value: string}).value).toBe(bytes.toString('base64'))
  })

  it('writes nothing if the value should come from stdin but stdin is closed', async () => {
    const put = [process.execPath, cliPath, 'kv', 'put', 'k/closed', '-']
    const closed = await runCommand('sh', ['-c', '"$0" "$@" <&-', ...put], {agent})
    expect([closed.exitCode, closed.stderr]).toEqual([64, 'Error! Failed to read stdin: it is closed\n'])
    expect((await kv(['get', 'k/closed'])).exitCode).toBe(1)
    expect((await runCommand('sh', ['-c', '"$0" "$@" </dev/null', ...put], {agent})).exitCode).toBe(0)
  })

  it('with --create, writes only a new key; with cas, writes only over the expected value', async () => {
    expect((await kv(['put', '--create', 'k/cas', 'one'])).exitCode).toBe(0)
    const twice = await kv(['put', '--create', 'k/cas', 'two'])
    expect([twice.exitCode, twice.stderr]).toEqual([1, 'Error! Did not write to k/cas: CAS failed\n'])
    expect((await kv(['cas', 'k/cas', 'two', '--expect', 'one'])).exitCode).toBe(0)
    const late = await kv(['cas', 'k/cas', 'three', '--expect', 'one'])
    expect([late.exitCode, late.stderr]).toEqual([1, 'Error! Did not write to k/cas: the value is another\n'])
    expect((await kv(['cas', 'k/absent', 'x', '--expect', 'one'])).exitCode).toBe(1)
    expect((await kv(['cas', 'k/cas', 'x'])).exitCode).toBe(64)
    expect((await kv(['get', 'k/cas'])).stdout).toBe('two\n')
  })

  it('writes nothing if an import contains an invalid key or does not fit into one transaction', async () => {
    const entries = [
      {key: 'k/imp/1', value: 'eA=='},
      {key: '/bad', value: 'eA=='},
    ]
    const refused = await kv(['import', JSON.stringify(entries)])
    expect([refused.exitCode, refused.stdout]).toEqual([64, ''])
    expect(await raw(agent.address).kvKeys('k/imp')).toEqual([])
    const many = Array.from({length: 130}, (_, n) => ({key: `k/imp/${n}`, value: 'eA==', flags: n}))
    const atomic = await kv(['import', '--atomic', '-'], Buffer.from(JSON.stringify(many)))
    expect([atomic.exitCode, atomic.stdout]).toEqual([64, ''])
    expect(await raw(agent.address).kvKeys('k/imp')).toEqual([])
    const plan = await kv(['import', '--dry-run', JSON.stringify(many.slice(0, 2))])
    expect(plan.stdout).toBe('create    k/imp/0\ncreate    k/imp/1\n')
    const done = await kv(['import', '-'], Buffer.from(JSON.stringify(many)))
    expect([done.exitCode, done.stdout.split('\n').length - 1]).toEqual([0, 130])
    expect(await raw(agent.address).kvKeys('k/imp')).toHaveLength(130)
  })

  it("reads numbers in Go's syntax, and treats a single argument after the key as the value", async () => {
    expect((await kv(['put', '-flags=010', 'k/num', '-acquire'])).exitCode).toBe(0)
    const {stdout} = await kv(['get', '-detailed', 'k/num'])
    expect(stdout).toMatch(/^Flags +8$/m)
    expect(stdout).toMatch(/^Value +-acquire$/m)
    expect((await kv(['put', '--create', 'k/num'])).stderr).toBe('Error! Did not write to k/num: CAS failed\n')
  })

  it("prints Consul's error for a value that is too large", async () => {
    const {exitCode, stdout, stderr} = await kv(['put', 'k/huge', '-'], Buffer.alloc(512 * 1024 + 1))
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^Error! Failed writing data: Unexpected response code: 413 \(Request body\(524289 bytes\)/)
    const folder = await kv(['put', 'k/huge', `@${directory}`])
    expect(folder.stderr).toBe(`Error! Failed to read file: read ${directory}: is a directory\n`)
  })

  it('imports a key that no request path can contain', async () => {
    expect((await kv(['import', '[{"key":"k/odd//a","value":"eA=="}]'])).stdout).toBe('Imported: k/odd//a\n')
    expect((await kv(['get', '--recurse', 'k/odd/'])).stdout).toBe('k/odd//a:x\n')
  })

  it('if an import is stopped, lists every key that it has already written', async () => {
    const file = join(directory, `${backend.name}.json`)
    const count = 60_000
    writeFileSync(file, JSON.stringify(Array.from({length: count}, (_, n) => ({key: `k/stop/${n}`, value: ''}))))
    await using running = startCli(['kv', 'import', `@${file}`], {agent})
    await running.waitForOutput(/Imported/)
    running.kill('SIGINT')
    const {exitCode, stdout, stderr} = await running.exited
    const written = (await raw(agent.address).kvKeys('k/stop/')).length
    expect(exitCode).toBe(130)
    expect(written).toBeLessThan(count)
    expect(stdout.split('\n').length - 1).toBe(written)
    expect(stderr).toBe(`baton: ${written} of ${count} keys are written\nbaton: stopped by SIGINT\n`)
  })

  it('exits with 1 for a key that Consul refuses', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    // Consul answers in this way, without a text, for a key with a no-break space.
    proxy.on({path: '/v1/kv/refused'}, {status: 400, body: ''})
    const result = await runInProcess(['kv', 'get', 'refused'], {agent: {address: proxy.address}})
    expect(result).toMatchObject({exitCode: 1, stdout: ''})
    expect(result.stderr).toBe('Error querying Consul agent: Unexpected response code: 400 ()\n')
  })
})
