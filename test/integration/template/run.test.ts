import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {runTemplates} from '../../../src/template/run.js'
import type {TemplateEvent, TemplateSpec} from '../../../src/template/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {readIfExists} from '../../kit/read-if-exists.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-template-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))

describe.each(backends)('runTemplates on $name', backend => {
  const agent = sharedAgent(backend)
  const put = (key: string, value: string): Promise<unknown> => raw(agent.address).kvPut(key, value)
  const register = (id: string, name: string, port: number, more: object = {}): Promise<unknown> =>
    raw(agent.address).ok('PUT', '/v1/agent/service/register', {
      body: JSON.stringify({ID: id, Name: name, Port: port, ...more}),
    })
  const file = (name: string): string => join(folder, `${backend.name}-${name}`)
  const signal = new AbortController().signal

  async function render(text: string, env: Readonly<Record<string, string>> = {}, timeoutMs = 10_000): Promise<string> {
    await using client = createClient({address: agent.address})
    let output = ''
    await runTemplates(client, [{name: 't', text}], {
      signal,
      env,
      once: true,
      timeoutMs,
      onEvent: event => {
        if (event.type === 'rendered') output = Buffer.from(event.bytes).toString()
      },
    })
    return output
  }

  it('renders nginx upstreams from passing instances', async () => {
    for (const [at, port] of [8084, 8085].entries()) {
      await register(`hopscotch-${at}`, 'hopscotch', port, {Tags: ['prod'], Address: `10.202.2.21${at}`})
    }
    await register('hopscotch-dev', 'hopscotch', 9000, {Tags: ['dev'], Address: '10.0.0.1'})
    await waitUntil(async () => (await render('{{len (service "hopscotch")}}')) === '3', {what: 'three instances'})
    const text =
      'upstream hopscotch {\n{{ range service "prod.hopscotch" }} server {{ .Address }}:{{ .Port }};\n{{ end }}}\n'
    expect(await render(text)).toBe('upstream hopscotch {\n server 10.202.2.210:8084;\n server 10.202.2.211:8085;\n}\n')
    expect(await render('{{range service "hopscotch"}}{{.ID}}{{.Tags.Contains "dev"}} {{end}}')).toBe(
      'hopscotch-0false hopscotch-1false hopscotch-devtrue ',
    )
    expect(await render('{{range $t, $s := service "hopscotch" | byTag}}{{$t}}={{len $s}} {{end}}')).toBe(
      'dev=1 prod=2 ',
    )
    expect(await render('{{range services}}{{if ne .Name "consul"}}{{.Name}}{{.Tags}}{{end}}{{end}}')).toBe(
      'hopscotch[dev prod]',
    )
  })

  it('reads keys and folders as consul-template does', async () => {
    await put('t/e/leaf', 'one')
    await put('t/e/sub/deep', 'two')
    await put('t/e/empty', '')
    await put('t/e/', '')
    await put('t/config', '{"api":{"level":3}}')
    expect(await render('{{range ls "t/e"}}{{.Key}}={{.Value}};{{end}}')).toBe('empty=;leaf=one;')
    expect(await render('{{range tree "/t/e"}}{{.Key}} {{.Path}};{{end}}')).toBe(
      'empty t/e/empty;leaf t/e/leaf;sub/deep t/e/sub/deep;',
    )
    expect(await render('{{keyOrDefault "t/e/empty" "d"}}{{keyExists "t/e/empty"}}{{keyOrDefault "t/no" "n"}}')).toBe(
      'dtruen',
    )
    expect(await render('{{$o := key "t/config" | parseJSON}}{{$o.api.level}}')).toBe('3')
    expect(await render('{{key (printf "t/e/%s" (env "NAME"))}}', {NAME: 'leaf'})).toBe('one')
    expect(
      await render('{{range $k, $v := tree "t/e" | byKey}}{{$k}}:{{range $n, $p := $v}}{{$n}}{{end}}{{end}}'),
    ).toBe('sub:deep')
    expect(await render('{{tree "t/e" | explode | toJSON}}')).toBe('{"empty":"","leaf":"one","sub":{"deep":"two"}}')
    expect(await render('{{tree ""}}{{datacenters}}{{len nodes}}')).toBe('[][dc1]1')
  })

  it('reads keys whose names come from other keys, and names a missing key', async () => {
    await put('n/list', 'a b')
    await put('n/a', 'A')
    const nested = '{{range key "n/list" | split " "}}{{key (printf "n/%s" .)}}{{end}}'
    await expect(render(`${nested}{{if keyExists "n/x"}}x{{end}}`, {}, 1500).catch(String)).resolves.toBe(
      'TemplatesMissingError: templates still wait for key(n/b) (it does not exist)',
    )
    await put('n/b', 'B')
    expect(await render(nested)).toBe('AB')
  })

  it('writes a file only if its text changes, and then runs each command once', async () => {
    await put('f/a', '1')
    await using client = createClient({address: agent.address})
    const stop = new AbortController()
    const events: TemplateEvent['type'][] = []
    const commands: string[] = []
    const template = (name: string, text: string): TemplateSpec => ({
      name,
      text,
      destination: file(name),
      command: {argv: ['reload'], env: {}, timeoutMs: 1000, text: 'reload'},
    })
    writeFileSync(file('second'), 'old', {mode: 0o600})
    const done = runTemplates(
      client,
      [template('first', 'a={{key "f/a"}}\n'), template('second', '{{key "f/a"}} {{key "f/b"}}')],
      {
        signal: stop.signal,
        env: {},
        onEvent: event => events.push(event.type),
        onCommand: async command => {
          commands.push(command.text)
        },
      },
    )
    await waitUntil(() => commands.length === 1 && events.includes('waiting'), {what: 'the change'})
    expect(readFileSync(file('first'), 'utf8')).toBe('a=1\n')
    expect(readFileSync(file('second'), 'utf8')).toBe('old')
    await put('f/b', 'x')
    await waitUntil(() => commands.length === 2, {what: 'the change'})
    await put('f/a', '2')
    await waitUntil(() => commands.length === 3, {what: 'the change'})
    stop.abort()
    await done
    expect(readFileSync(file('first'), 'utf8')).toBe('a=2\n')
    expect(readFileSync(file('second'), 'utf8')).toBe('2 x')
    expect(statSync(file('second')).mode & 0o777).toBe(0o600)
    expect(events.filter(type => type === 'written')).toHaveLength(4)
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  it('leaves the file unchanged after a key that it uses was deleted', async () => {
    await put('d/a', '1')
    await put('d/b', '1')
    await using client = createClient({address: agent.address})
    const stop = new AbortController()
    const spec = {name: 't', text: '{{key "d/a"}}{{key "d/b"}}', destination: file('deleted')}
    let waits = 0
    const done = runTemplates(client, [spec], {
      signal: stop.signal,
      env: {},
      onEvent: event => {
        if (event.type === 'waiting' && event.missing[0]?.why === 'it does not exist') waits += 1
      },
    })
    await waitUntil(() => readIfExists(file('deleted')) === '11', {what: 'the change'})
    await raw(agent.address).ok('DELETE', '/v1/kv/d/a')
    await waitUntil(() => waits === 1, {what: 'the change'})
    expect(readIfExists(file('deleted'))).toBe('11')
    stop.abort()
    await done
  })
})
