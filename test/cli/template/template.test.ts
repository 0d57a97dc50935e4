import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-template-cli-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))
const inFolder = (name: string): string => join(folder, name)

function template(name: string, text: string): string {
  writeFileSync(inFolder(name), text)
  return inFolder(name)
}

describe.each(backends.slice(0, 1))('baton template on $name', backend => {
  const agent = sharedAgent(backend)
  const put = (key: string, value: string): Promise<unknown> => raw(agent.address).kvPut(key, value)
  const run = (...words: string[]): ReturnType<typeof runInProcess> => runInProcess(['template', ...words], {agent})

  it('writes a file with either syntax of the arguments, and only prints the text with --dry', async () => {
    await put('once', 'value')
    const source = template('once.ctmpl', 'v={{ key "once" }}\n')
    const written = await run(`${source}:${inFolder('once')}`, '--once')
    expect([written.exitCode, readFileSync(inFolder('once'), 'utf8')]).toEqual([0, 'v=value\n'])
    const command = `echo a:b > ${inFolder('ran')}`
    const old = await run('-template', `${source}:${inFolder('old')}:${command}`, '-once')
    expect([old.exitCode, readFileSync(inFolder('old'), 'utf8'), readFileSync(inFolder('ran'), 'utf8')]).toEqual([
      0,
      'v=value\n',
      'a:b\n',
    ])
    const dry = await run(source, '--dry', '--once')
    expect([dry.exitCode, dry.stdout]).toEqual([0, '> \nv=value\n'])
  })

  it('reads all data at least once, even if that takes longer than --timeout', async () => {
    await put('short/a', 'short/b')
    await put('short/b', 'value')
    const source = template('short.ctmpl', '{{ key (key "short/a") }}')
    for (const limit of ['0', '1ms']) {
      const {exitCode, stdout, stderr} = await run(source, '--dry', '--once', '--timeout', limit)
      expect([limit, exitCode, stdout, stderr]).toEqual([limit, 0, '> \nvalue', ''])
    }
    const missing = await run(template('none.ctmpl', '{{ key "no/such" }}'), '--dry', '--once', '--timeout', '0')
    expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining('it does not exist')])
  })

  it('names the flags that have no effect without a child', async () => {
    await put('once', 'value')
    const source = template('childless.ctmpl', '{{ key "once" }}')
    const {exitCode, stderr} = await run(source, '--dry', '--once', '--exec-splay', '1s', '--restart', 'always')
    expect([exitCode, stderr]).toEqual([
      0,
      'baton: --exec-splay: no effect without a child\nbaton: --restart: no effect without a child\n',
    ])
  })

  it('names missing keys and errors in templates', async () => {
    const missing = template('missing.ctmpl', '{{ key "no/such" }}')
    const waited = await run(`${missing}:${inFolder('missing')}`, '--once', '--timeout', '1s')
    expect([waited.exitCode, existsSync(inFolder('missing'))]).toEqual([1, false])
    expect(waited.stderr).toContain('waits for key(no/such): it does not exist')
    const wrong = await run(`${template('wrong.ctmpl', 'a\n{{nosuch}}')}:x`, '--once')
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      64,
      `baton: template: ${inFolder('wrong.ctmpl')}:2: function "nosuch" not defined\n`,
    ])
    const vault = await run(`${template('vault.ctmpl', '{{secret "a"}}')}:x`, '--once')
    expect([vault.exitCode, vault.stderr]).toEqual([64, expect.stringContaining('Vault is not supported')])
    for (const words of [[], ['x'], [':x'], ['nosuch:x'], ['a:b', '--wait', '5s:1s']]) {
      expect((await run(...words)).exitCode).toBe(64)
    }
    const failing = await run(`${template('f.ctmpl', 'x')}:${inFolder('f')}:exit 9`, '--once')
    expect(failing.exitCode).toBe(9)
  })

  it('starts the child after all files were written, and signals the child when a file changes', async () => {
    const source = template('child.ctmpl', '{{ key "child" }}')
    const words = [`${source}:${inFolder('child')}`, '--exec-reload-signal', 'HUP', '--', 'sh', '-c']
    const script = `trap 'echo "hup $(cat ${inFolder('child')})"' HUP; echo start; while :; do sleep 0.1; done`
    await using baton = startCli(['template', ...words, script], {agent})
    await waitUntil(() => baton.stderr.includes('waits for key(child)'), {what: 'the message'})
    expect(baton.stdout).toBe('')
    await put('child', '1')
    await baton.waitForOutput(/start/)
    await put('child', '2')
    await baton.waitForOutput(/hup 2/)
    baton.kill('SIGTERM')
    expect((await baton.exited).exitCode).toBe(0)
  })

  it("ends with the child's exit code", async () => {
    const source = template('ends.ctmpl', 'x')
    expect((await run(`${source}:${inFolder('ends')}`, '-exec', 'exit 7')).exitCode).toBe(7)
  })
})
