import {chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {isAlive} from '../../kit/processes.js'
import {raw} from '../../kit/raw-consul.js'
import {readIfExists} from '../../kit/read-if-exists.js'
import {startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-template-config-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))
const inFolder = (name: string): string => join(folder, name)
const readIf = (name: string): string => readIfExists(inFolder(name))

function write(name: string, text: string): string {
  writeFileSync(inFolder(name), text)
  return inFolder(name)
}

describe.each(backends)('baton template with configuration on $name', backend => {
  const agent = sharedAgent(backend)
  const put = (key: string, value: string): Promise<unknown> => raw(agent.address).kvPut(key, value)
  const run = (...words: string[]): ReturnType<typeof runInProcess> => runInProcess(['template', ...words], {agent})

  it('renders the templates that a folder of HCL, JSON and YAML files defines', async () => {
    await put('conf', 'v')
    const conf = inFolder(`${backend.name}.d`)
    mkdirSync(conf)
    const out = (name: string): string => inFolder(`${backend.name}-${name}`)
    writeFileSync(
      join(conf, '1.json'),
      `template {
  contents = "<< key \\"conf\\" >>"
  destination = "${out('hcl')}"
  left_delimiter = "<<"
  right_delimiter = ">>"
  perms = 0600
  backup = true
  command = ["sh", "-c", "echo $MINE > ${out('ran')}"]
  exec { env { custom = ["MINE=yes"] } }
}`,
    )
    writeFileSync(
      join(conf, '2.json'),
      JSON.stringify({template: [{source: write('c.ctmpl', '{{key "conf"}}'), destination: out('json')}]}),
    )
    writeFileSync(join(conf, '3.yaml'), `template:\n  - contents: '{{key "conf"}}!'\n    destination: ${out('yaml')}\n`)
    writeFileSync(out('hcl'), 'old')
    const result = await run('-config', conf, '-once')
    expect([result.exitCode, result.stderr]).toEqual([0, ''])
    expect(['hcl', 'json', 'yaml', 'ran', 'hcl.bak'].map(name => readFileSync(out(name), 'utf8'))).toEqual([
      'v',
      'v',
      'v!',
      'yes\n',
      'old',
    ])
    expect(statSync(out('hcl')).mode & 0o777).toBe(0o600)
  })

  it('exits with the exit codes of consul-template if --compat consul is given', async () => {
    const bad = write('bad.hcl', 'template { sourc = "a" }')
    expect((await run('-config', bad, '-once', '--compat', 'consul')).exitCode).toBe(15)
    expect((await run('-template', 'a', '-nosuch', '--compat', 'consul')).exitCode).toBe(13)
    const source = write('ok.ctmpl', 'x')
    rmSync(inFolder('o'), {force: true})
    expect((await run('-template', `${source}:${inFolder('o')}:exit 3`, '-once', '--compat', 'consul')).exitCode).toBe(
      14,
    )
    expect(
      (await run('-template', `${source}:${inFolder('o')}`, '-exec', 'exit 3', '--compat', 'consul')).exitCode,
    ).toBe(3)
    const broken = write('broken.ctmpl', '{{ index 1 2 }}')
    expect((await run('-template', `${broken}:${inFolder('o')}`, '--compat', 'consul')).exitCode).toBe(14)
    const plain = await run('-config', bad, '-once')
    expect([plain.exitCode, plain.stderr]).toEqual([64, expect.stringContaining("did you mean 'source'?")])
  })

  it('refuses functions that the configuration denies, and files outside the sandbox', async () => {
    const denied = `template { contents = "{{ env \\"A\\" }}" destination = "${inFolder('d')}" function_denylist = ["env"] }`
    expect((await run('-config', write('denied.hcl', denied), '-once')).stderr).toContain('function is disabled')
    const outside = `template { contents = "{{ file \\"${inFolder('denied.hcl')}\\" }}" destination = "${inFolder('d')}" sandbox_path = "${inFolder('sub')}" }`
    expect((await run('-config', write('box.hcl', outside), '-once')).stderr).toContain('is outside of sandbox')
  })
})

describe.each(backends.slice(0, 1))('a running baton template on $name', backend => {
  const agent = sharedAgent(backend)
  const put = (key: string, value: string): Promise<unknown> => raw(agent.address).kvPut(key, value)

  it('reloads its configuration on HUP without restarting the child, and keeps the old configuration if the new one is invalid', async () => {
    await put('hup', '1')
    const config = (text: string): string =>
      write('hup.hcl', `template { contents = "${text} {{ key \\"hup\\" }}" destination = "${inFolder('hup')}" }`)
    const path = config('a')
    const script = `trap 'echo got usr1' USR1; trap 'echo reload' USR2; echo "start"; while :; do sleep 0.05; done`
    const words = ['template', '-config', path, '-exec-reload-signal', 'SIGUSR2', '-pid-file', inFolder('pid')]
    await using baton = startCli([...words, '--', 'sh', '-c', script], {agent})
    await baton.waitForOutput(/start/)
    expect(readIf('hup')).toBe('a 1')
    expect(Number(readIf('pid'))).toBe(baton.pid)
    baton.kill('SIGUSR1')
    await baton.waitForOutput(/got usr1/)
    config('b')
    baton.kill('SIGHUP')
    await waitUntil(() => readIf('hup') === 'b 1', {what: 'the new text'})
    await baton.waitForOutput(/reload/)
    write('hup.hcl', 'templat {}')
    baton.kill('SIGHUP')
    await waitUntil(() => baton.stderr.includes('the old settings stay in effect'), {what: 'the refusal'})
    await put('hup', '2')
    await waitUntil(() => readIf('hup') === 'b 2', {what: 'the change'})
    expect(baton.stdout.match(/start/g)).toHaveLength(1)
    baton.kill('SIGTERM')
    expect((await baton.exited).exitCode).toBe(0)
    expect(existsSync(inFolder('pid'))).toBe(false)
  })

  it("restores the old file if the template's command fails, and does not replace it if the check fails", async () => {
    await put('safe', 'good')
    const template = write('safe.ctmpl', '{{ key "safe" }}\n')
    const command = write(
      'reload.sh',
      `#!/bin/sh\ncat ${inFolder('safe')} >> ${inFolder('log')}\n! grep -q bad ${inFolder('safe')}\n`,
    )
    chmodSync(command, 0o755)
    const check = `! grep -q worse "$1"`
    await using baton = startCli(['template', `${template}:${inFolder('safe')}:${command}`, '--check', check], {agent})
    await waitUntil(() => readIf('log') === 'good\n', {what: 'the first reload'})
    await put('safe', 'bad')
    await waitUntil(() => readIf('log') === 'good\nbad\ngood\n', {what: 'the second reload'})
    expect(readIf('safe')).toBe('good\n')
    await waitUntil(() => baton.stderr.includes('the old file is back'), {what: 'the report'})
    await put('safe', 'worse')
    await waitUntil(() => baton.stderr.includes('the check failed, no file was changed'), {what: 'the report'})
    expect(readIf('safe')).toBe('good\n')
    await put('safe', 'fine')
    await waitUntil(() => readIf('log') === 'good\nbad\ngood\nfine\n', {what: 'the next change'})
    expect(readIf('safe')).toBe('fine\n')
  })

  it('prints the changed lines with --diff', async () => {
    await put('diff', '1\n2\n3')
    const template = write('diff.ctmpl', 'a\n{{ key "diff" }}\nb\n')
    write('diff', 'a\n1\n3\nb\n')
    const result = await runInProcess(['template', `${template}:${inFolder('diff')}`, '--once', '--diff'], {agent})
    const path = inFolder('diff')
    expect(result.stdout).toBe(`--- ${path}\n+++ ${path}\n@@ -1,4 +1,5 @@\n a\n 1\n+2\n 3\n b\n`)
  })

  it('changes files only while it holds the lock that --lock names', async () => {
    await put('turn', '1')
    const template = write('turn.ctmpl', '{{ key "turn" }}')
    await using client = createClient({address: agent.address})
    await using hold = await createMutex(client, {prefix: 'turns'}).acquire()
    const words = ['template', `${template}:${inFolder('turn')}`, '--once', '--lock', 'turns', '-v']
    await using baton = startCli(words, {agent})
    await waitUntil(() => baton.stderr.includes('waits for the lock turns'), {what: 'the wait'})
    expect(existsSync(inFolder('turn'))).toBe(false)
    await put('turn', '2')
    await hold.release()
    expect((await baton.exited).exitCode).toBe(0)
    expect(readIf('turn')).toBe('2')
  })

  it('leaves no child behind if baton is killed', async () => {
    const template = write('killed.ctmpl', 'x')
    const script = `echo "pid $$"; exec sleep 1000`
    await using baton = startCli(['template', `${template}:${inFolder('killed')}`, '--', 'sh', '-c', script], {agent})
    await baton.waitForOutput(/pid \d+\n/)
    const pid = Number(/pid (\d+)/.exec(baton.stdout)?.[1])
    expect(isAlive(pid)).toBe(true)
    baton.kill('SIGKILL')
    await waitUntil(() => !isAlive(pid), {what: 'the end of the child'})
  })

  it('restarts a failed child with --restart on-failure', async () => {
    const template = write('again.ctmpl', 'x')
    const script = `echo run >> ${inFolder('runs')}; test "$(wc -l < ${inFolder('runs')})" -ge 2`
    const words = ['template', `${template}:${inFolder('again')}`, '--restart', 'on-failure', '--', 'sh', '-c', script]
    await using baton = startCli(words, {agent})
    expect((await baton.exited).exitCode).toBe(0)
    expect(baton.stderr).toContain('the child ended (exit code 1), it is started again')
  })
})
