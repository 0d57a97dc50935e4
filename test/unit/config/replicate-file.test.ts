import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {readReplicateConfig} from '../../../src/config/replicate-file.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-config-'))
})
afterEach(() => rmSync(folder, {recursive: true}))

const flagNames = ['prefix', 'max-delete', 'http-addr', 'once']
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const read = (text: string, name = 'c.hcl') => readReplicateConfig(write(name, text), flagNames)

describe('a configuration file of consul-replicate', () => {
  it('can contain every setting', async () => {
    const {settings, warnings} = await read(`
      # a comment
      consul {
        address = "127.0.0.1:8501"
        token   = "t"
        auth { enabled = true  username = "u"  password = "p" }
        retry { enabled = true attempts = 3 backoff = "1s" max_backoff = "2s" }
        ssl { enabled = true verify = false ca_cert = "ca" ca_path = "cap" cert = "c" key = "k" server_name = "s" }
        transport { dial_timeout = "1s" max_idle_conns = 5 }
      }
      kill_signal = "SIGQUIT"
      reload_signal = "SIGUSR1"
      log_level = "err"
      max_stale = "5s"
      pid_file = "/tmp/p"
      status_dir = "st"
      syslog { enabled = true facility = "LOCAL5" }
      wait { min = "5s" max = "10s" }
      exclude { source = "no/" }
      prefix { source = "g/" datacenter = "dc1" destination = "d/" }
      prefix { source = "h/@dc2:e/" }
      delete_key = false
      max_delete = "5%"
    `)
    expect(warnings.map(warning => /c.hcl: (\S+): no effect/.exec(warning)?.[1])).toEqual([
      'consul.transport.dial_timeout',
      'consul.transport.max_idle_conns',
    ])
    expect(settings).toEqual({
      'http-addr': '127.0.0.1:8501',
      token: 't',
      'consul-auth': 'u:p',
      'consul-retry': true,
      'consul-retry-attempts': 3,
      'consul-retry-backoff': '1s',
      'consul-retry-max-backoff': '2s',
      'consul-ssl': true,
      'consul-ssl-verify': false,
      'ca-file': 'ca',
      'ca-path': 'cap',
      'client-cert': 'c',
      'client-key': 'k',
      'tls-server-name': 's',
      'kill-signal': 'SIGQUIT',
      'reload-signal': 'SIGUSR1',
      'log-level': 'err',
      'max-stale': '5s',
      'pid-file': '/tmp/p',
      'status-dir': 'st',
      syslog: true,
      'syslog-facility': 'LOCAL5',
      wait: '5s:10s',
      exclude: ['no/'],
      prefix: ['g/@dc1:d/', 'h/@dc2:e/'],
      delete: false,
      'max-delete': '5%',
    })
  })

  it.each([
    ['prefix = "g/@dc1:d/"', ['g/@dc1:d/']],
    ['prefix = "a/@dc1,b/@dc1:c/"', ['a/@dc1', 'b/@dc1:c/']],
    ['prefix = ["a/@dc1", "b/@dc1:c/"]', ['a/@dc1', 'b/@dc1:c/']],
    ['prefix { source = "a/" dc = "dc2" datacenter = "dc2" }', ['a/@dc2']],
    ['prefix { source = "a/@dc1:b/" datacenter = "dc1" destination = "b/" }', ['a/@dc1:b/']],
    ['PREFIX { Source = "a/@dc1" }', ['a/@dc1']],
    ['{"prefix": [{"source": "a/@dc1", "destination": "b/"}]} // end', ['a/@dc1:b/']],
  ])('may contain prefixes in the form %s', async (text, prefix) => {
    expect((await read(text)).settings).toEqual({prefix})
  })

  it.each([
    ['nonsense = 1', /unknown setting 'nonsense'/],
    ['maxdelete = "1"', /unknown setting 'maxdelete'/],
    ['consul { adress = "x" }', /unknown setting 'consul.adress'/],
    ['prefix { source = "a@dc1" unknown_inside = 1 }', /unknown setting 'prefix.unknown_inside'/],
    ['exclude { source = "a" destination = "b" }', /unknown setting 'exclude.destination'/],
    ['excludematch { sorce = "a" }', /unknown setting 'excludematch.sorce'/],
    ['consul { transport { dial_timout = "1s" } }', /unknown setting 'consul.transport.dial_timout'/],
    ['constructor = 1', /unknown setting 'constructor'/],
    ['consul { constructor = 1 }', /unknown setting 'consul.constructor'/],
    ['prefix { datacenter = "dc1" }', /prefix.source must be given/],
    ['prefix { source = "a@dc2" datacenter = "dc1" }', /the datacenter is both 'dc2' and 'dc1'/],
    ['prefix { source = "a" dc = "dc2" datacenter = "dc1" }', /the datacenter is both 'dc2' and 'dc1'/],
    ['prefix { source = "a@dc1:b/" destination = "c/" }', /the destination is both 'b\/' and 'c\/'/],
    ['prefix "app" { source = "a@dc1" }', /prefix 'app': this block has no label/],
    ['exclude "app" { source = "a" }', /exclude 'app': this block has no label/],
    ['prefix = "a@dc1"\nPrefix = "b@dc1"', /'prefix' is given twice, in different letters/],
    ['token = "a"\nconsul { token = "b" }', /'consul.token' and 'token' contradict each other/],
    ['http_addr = "a"\nconsul { address = "b" }', /'consul.address' and 'http_addr' contradict each other/],
    ['wait { max = "5s" }', /wait.min must be given beside wait.max/],
    ['wait { enabled = "no" min = "5s" }', /wait.enabled must be a boolean/],
    ['syslog { enabled = "no" }', /syslog.enabled must be a boolean/],
    ['consul { auth { enabled = "no" } }', /consul.auth.enabled must be a boolean/],
    ['consul { retry { attempts = "3" } }', /consul.retry.attempts must be a number/],
    ['consul { ssl { enabled = "true" } }', /consul.ssl.enabled must be a boolean/],
    ['syslog = true', /syslog must be a block/],
    ['prefix {', /At 1:\d+: /],
    ['prefix { source = 5 }', /prefix.source must be a string/],
  ])('is refused in one line if it contains %s', async (text, message) => {
    const failure = await read(text).catch((error: unknown) => error)
    expect(failure).toMatchObject({code: 'BATON_CONFIG', message: expect.stringMatching(message)})
    expect((failure as Error).message).not.toContain('\n')
  })

  it.each([
    ['prefix { source = "a@dc1" destinaton = "b" }', 'destination'],
    ['{"prefix": [{"source": "a@dc1", "dest": "b"}]}', 'destination'],
    ['exclude { souce = "a" }', 'source'],
    ['consull { address = "a" }', 'consul'],
    ['consul { sll { verify = true } }', 'ssl'],
    ['consul { ssl { ca_cer = "a" } }', 'ca_cert'],
    ['syslog { facilty = "LOCAL0" }', 'facility'],
    ['wait { mn = "5s" }', 'min'],
    ['auth { user = "a" }', 'username'],
    ['max_stal = "1s"', 'max_stale'],
  ])('is refused with a hint to the nearest known setting if it contains %s', async (text, nearest) => {
    const failure = await read(text).catch((error: unknown) => error)
    expect(failure).toMatchObject({code: 'BATON_CONFIG', hint: `did you mean '${nearest}'?`})
  })

  it('may repeat a block, whose settings are then merged', async () => {
    const {settings} = await read(
      'consul { address = "a:1" }\nconsul { token = "t" }\nconsul { retry { attempts = 1 } }',
    )
    expect(settings).toEqual({'http-addr': 'a:1', token: 't', 'consul-retry-attempts': 1})
  })

  it('may contain the deprecated top-level settings, with a warning for each', async () => {
    const {settings, warnings} = await read('consul = "a:1"\ntoken = "t"\nretry = "10s"\nssl { enabled = true }')
    expect(settings).toEqual({'http-addr': 'a:1', token: 't', 'consul-retry-backoff': '10s', 'consul-ssl': true})
    expect(warnings).toHaveLength(4)
  })

  it('may contain `enabled` in the block `wait`, and a duration without a unit, which causes a warning', async () => {
    expect((await read('wait { enabled = true min = "5s" }')).settings).toEqual({wait: '5s'})
    const {settings, warnings} = await read('max_stale = 5')
    expect(settings).toEqual({'max-stale': '5ns'})
    expect(warnings[0]).toMatch(/5 nanoseconds/)
  })

  it('may be a folder, whose files are read in the order of their names and may be symbolic links', async () => {
    const data = join(folder, '..2024')
    mkdirSync(data)
    writeFileSync(join(data, 'b.hcl'), 'prefix = "b/@dc1"\nmax_delete = "2"')
    symlinkSync('..2024', join(folder, '..data'))
    symlinkSync('..data/b.hcl', join(folder, 'b.hcl'))
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, 'sub', 'c'), 'exclude = "x"')
    symlinkSync('sub', join(folder, 'd'))
    write('a.json', '{"prefix": "a/@dc1", "max_delete": "1"}')
    const {settings} = await readReplicateConfig(folder, flagNames)
    expect(settings).toEqual({prefix: ['a/@dc1', 'b/@dc1'], 'max-delete': '2', exclude: ['x', 'x']})
  })

  it('is named in the error if it cannot be read', async () => {
    await expect(readReplicateConfig(join(folder, 'none'), flagNames)).rejects.toThrow(/cannot read .*none: ENOENT/)
  })
})
