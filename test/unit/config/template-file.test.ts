import {describe, expect, it} from 'vitest'
import {parseHcl} from '../../../src/config/hcl.js'
import {type TemplateFile, toTemplateFile} from '../../../src/config/template-file.js'

const read = async (text: string, flags: readonly string[] = ['timeout']): Promise<TemplateFile> =>
  toTemplateFile(await parseHcl(text, 'ct.hcl'), 'ct.hcl', flags)
const settingsOf = async (text: string): Promise<unknown> => (await read(text)).settings
const faultOf = async (text: string): Promise<string> => {
  try {
    await read(text)
    return 'no error'
  } catch (error) {
    const {message, hint} = error as {message: string; hint?: string}
    return `${message}|${hint ?? ''}`
  }
}

describe('a configuration file of consul-template', () => {
  it('can contain every setting of the connection and of the process', async () => {
    const text = `
consul {
  address = "consul:8500"
  token   = "secret"
  auth { enabled = true username = "u" password = "p" }
  ssl { enabled = true verify = false ca_cert = "/ca" cert = "/c" key = "/k" server_name = "n" }
  retry { enabled = true attempts = 12 backoff = "250ms" max_backoff = "1m" }
}
kill_signal = "SIGINT"
reload_signal = "SIGHUP"
max_stale = "10m"
log_level = "warn"
pid_file = "/pid"
wait { min = "5s" max = "10s" }
timeout = "3s"`
    expect(await read(text)).toEqual({
      settings: {
        'http-addr': 'consul:8500',
        token: 'secret',
        'consul-auth': 'u:p',
        'consul-ssl': true,
        'consul-ssl-verify': false,
        'ca-file': '/ca',
        'client-cert': '/c',
        'client-key': '/k',
        'tls-server-name': 'n',
        'kill-signal': 'SIGINT',
        'reload-signal': 'SIGHUP',
        'max-stale': '600000ms',
        'log-level': 'warn',
        'pid-file': '/pid',
        wait: '5000ms:10000ms',
        timeout: '3s',
      },
      templates: [],
      exec: {},
      warnings: ['ct.hcl: consul.retry: no effect: the number of attempts is not limited'],
    })
  })

  it('can contain templates with all their settings', async () => {
    const text = `
template {
  source = "a.ctmpl"
  destination = "a"
  perms = 0640
  command = "reload"
  command_timeout = "60s"
  wait = "2s:6s"
  exec { env { pristine = true custom = ["A=b"] allowlist = ["CONSUL_*"] } }
}
template {
  contents = <<EOT
{{ key "a" }} "x" \\d
EOT
  destination = "b"
  perms = "0600"
  exec { command = ["nginx", "-s", "reload"] }
  function_denylist = ["sprig_*"]
}`
    const {templates} = await read(text)
    expect(templates).toEqual([
      {
        source: 'a.ctmpl',
        destination: 'a',
        perms: 0o640,
        command: 'reload',
        command_timeout: 60_000,
        wait: '2s:6s',
        exec: {env: {pristine: true, custom: ['A=b'], allowlist: ['CONSUL_*']}},
      },
      {
        contents: '{{ key "a" }} "x" \\d\n',
        destination: 'b',
        perms: 0o600,
        exec: {command: ['nginx', '-s', 'reload']},
        function_denylist: ['sprig_*'],
      },
    ])
  })

  it('may contain deprecated forms, with a warning for each', async () => {
    const {settings, warnings} = await read(`
consul = "127.0.0.1:8500"
token = "t"
retry = "10s"
ssl { enabled = false }
wait = "5s:10s"
vault { address = "http://vault" }
deduplicate { enabled = true }`)
    expect(settings).toEqual({'http-addr': '127.0.0.1:8500', token: 't', 'consul-ssl': false, wait: '5s:10s'})
    expect(warnings.toSorted()).toEqual([
      'ct.hcl: consul = "address" is deprecated, use the consul block',
      'ct.hcl: deduplicate: no effect: baton shares queries itself',
      'ct.hcl: retry: no effect: the number of attempts is not limited',
      'ct.hcl: ssl is deprecated, use the consul block',
      'ct.hcl: token is deprecated, use the consul block',
      'ct.hcl: vault: no effect: Vault is not supported',
    ])
  })

  it('may be JSON with a list of templates', async () => {
    const {templates} = await read('{"template": [{"source": "a", "destination": "b"}, {"source": "c"}]}')
    expect(templates).toEqual([{source: 'a', destination: 'b'}, {source: 'c'}])
  })

  it('is refused if it contains an unknown name at any depth, with a hint to the nearest known name', async () => {
    expect(await faultOf('templte { source = "a" }')).toBe(
      "config: ct.hcl: unknown setting 'templte'|did you mean 'template'?",
    )
    expect(await faultOf('template { sourc = "a" }')).toBe(
      "config: ct.hcl: unknown setting 'template.sourc'|did you mean 'source'?",
    )
    expect(await faultOf('consul { retry { atempts = 1 } }')).toBe(
      "config: ct.hcl: unknown setting 'consul.retry.atempts'|did you mean 'attempts'?",
    )
    expect(await faultOf('template { exec { env { custm = ["a"] } } }')).toBe(
      "config: ct.hcl: unknown setting 'template.exec.env.custm'|did you mean 'custom'?",
    )
  })

  it('is refused with the name of a setting that has the wrong type', async () => {
    expect(await faultOf('template { backup = "yes" }')).toBe('config: ct.hcl: template.backup must be a boolean|')
    expect(await faultOf('template { perms = "rw" }')).toBe(
      'config: ct.hcl: template.perms must be a mode like "0644"|',
    )
    expect(await faultOf('exec = "x"')).toBe('config: ct.hcl: exec must be a block|')
    expect(await faultOf('max_stale = "soon"')).toContain("config: ct.hcl: max_stale: 'soon' is not a duration")
    expect(await faultOf('wait { max = "5s" }')).toBe('config: ct.hcl: wait.min must be given beside wait.max|')
    expect(await settingsOf('wait { enabled = false min = "5s" }')).toEqual({})
  })
})
