import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {createServer, type Server} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {rootCertificates} from 'node:tls'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {runInProcess} from '../../kit/run-in-process.js'

const helloOfTls = 0x16
let server: Server
let address = ''
let folder = ''
let received: Buffer[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'baton-tls-'))
  writeFileSync(join(folder, 'ca.pem'), rootCertificates[0] ?? '')
  server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', bytes => {
      received.push(bytes)
      socket.destroy()
    })
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const at = server.address()
  address = typeof at === 'object' && at !== null ? `127.0.0.1:${at.port}` : ''
})
beforeEach(() => {
  received = []
})
afterAll(() => {
  server.close()
  rmSync(folder, {recursive: true})
})

/** Runs a command that has a secret token, and returns the first bytes of each of its connections. */
async function firstBytes(words: readonly string[], config = ''): Promise<readonly Buffer[]> {
  const path = join(folder, 'c.hcl')
  writeFileSync(path, config.replaceAll('ADDRESS', address).replaceAll('FOLDER', folder))
  const args = words.map(word => word.replaceAll('ADDRESS', address).replaceAll('FOLDER', folder))
  await runInProcess(['replicate', '-once', '-consul-retry=false', '-config', path, ...args], {
    env: {CONSUL_TOKEN: 'sesame'},
  })
  return received
}

const to = ['-consul-addr', 'ADDRESS', '-prefix', 'a/@dc1']

describe('the first bytes that an agent receives', () => {
  it.each<[string, readonly string[], string]>([
    ['-consul-ssl', [...to, '-consul-ssl'], ''],
    ['-consul-ssl-server-name', [...to, '-consul-ssl-server-name', 'x'], ''],
    ['-consul-ssl-ca-cert', [...to, '-consul-ssl-ca-cert', 'FOLDER/ca.pem'], ''],
    ['-ssl-ca-cert', [...to, '-ssl-ca-cert', 'FOLDER/ca.pem'], ''],
    ['-consul-ssl-verify=false', [...to, '-consul-ssl-verify=false'], ''],
    ['-ssl-verify=true', [...to, '-ssl-verify=true'], ''],
    ['--tls-server-name', [...to, '--tls-server-name', 'x'], ''],
    ['consul.ssl.ca_cert', to, 'consul { ssl { ca_cert = "FOLDER/ca.pem" } }'],
    ['consul.ssl.verify', to, 'consul { ssl { verify = false } }'],
    ['an old ssl block', to, 'consul = "ADDRESS"\nssl { server_name = "x" }'],
    [
      'a source with a server name',
      [...to.slice(0, 2), '-consul-ssl', '--source-http-addr', 'ADDRESS', '--source-tls-server-name', 'x', 'a/'],
      '',
    ],
  ])('are TLS in the case of %s', async (_, words, config) => {
    const bytes = await firstBytes(words, config)
    expect(bytes.length).toBeGreaterThan(0)
    expect(bytes.map(each => each[0])).toEqual(bytes.map(() => helloOfTls))
    expect(Buffer.concat(bytes).includes('sesame')).toBe(false)
  })

  it.each<[string, readonly string[], string]>([
    ['no setting of TLS', to, ''],
    ['-consul-ssl=false', [...to, '-consul-ssl=false', '-consul-ssl-ca-cert', '/none'], ''],
    ['enabled = false', to, 'consul { ssl { enabled = false ca_cert = "/none" cert = "/none" key = "/none" } }'],
    ['enabled = false in an old block', to, 'ssl { enabled = false ca_cert = "/none" }'],
    ['enabled = false and a folder', to, 'consul { ssl { enabled = false ca_path = "/none" } }'],
    ['empty settings', to, 'consul { ssl { ca_cert = "" cert = "" key = "" server_name = "" } }'],
    [
      'an address that says http',
      ['-consul-addr', 'http://ADDRESS', '-prefix', 'a/@dc1'],
      'consul { ssl { verify = false } }',
    ],
  ])('are plain HTTP in the case of %s', async (_, words, config) => {
    const bytes = await firstBytes(words, config)
    expect(bytes.length).toBeGreaterThan(0)
    for (const each of bytes) expect(each.toString()).toMatch(/^(?:GET|POST) \/v1\//)
  })
})
