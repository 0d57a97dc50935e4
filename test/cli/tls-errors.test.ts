import {once} from 'node:events'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {createServer as createHttp} from 'node:http'
import {createServer as createHttps} from 'node:https'
import type {AddressInfo, Server} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {runInProcess} from '../kit/run-in-process.js'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../integration/core/fixtures/tls/${name}`, import.meta.url))

let folder: string
let junk: string
const servers: Server[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-pem-'))
  junk = join(folder, 'junk.pem')
  writeFileSync(junk, 'not PEM at all\n')
})
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(folder, {recursive: true})
})

async function listen(server: Server): Promise<string> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function answer(...args: readonly string[]): Promise<string> {
  const {exitCode, stderr} = await runInProcess(['kv', 'get', 'k', ...args], {})
  expect(stderr).not.toMatch(/:error:|routines|deps\/openssl/)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  return `${exitCode}: ${stderr.trim()}`
}

describe('the error of a TLS connection', () => {
  it('says that the server does not use TLS if it serves plain HTTP', async () => {
    const address = await listen(createHttp((_request, response) => response.end()))
    expect(await answer('--http-addr', address)).toMatch(/^69: .*does not speak TLS there \(write http:/)
  })

  it('names the flags for a client certificate if the server requires one', async () => {
    const address = await listen(
      createHttps({
        key: readFileSync(fixture('server-key.pem')),
        cert: readFileSync(fixture('server.pem')),
        ca: readFileSync(fixture('ca.pem')),
        requestCert: true,
      }),
    )
    expect(await answer('--http-addr', address, '--ca-file', fixture('ca.pem'))).toMatch(
      /^69: .*wants a client certificate that it knows \(set --client-cert and --client-key\)/,
    )
  })
})

describe('the file of a certificate or key', () => {
  it.each([
    ['--ca-file', 'ca-file: FILE: holds no PEM certificate', []],
    ['--client-cert', 'client-cert: FILE: holds no PEM certificate', ['--client-key', fixture('client-key.pem')]],
    ['--client-key', 'client-key: FILE: holds no PEM private key', ['--client-cert', fixture('client.pem')]],
  ])('given by %s is named in the error if it is not PEM', async (flag, message, more) => {
    const said = await answer('--http-addr', 'https://127.0.0.1:1', flag, junk, ...more)
    expect(said).toBe(`64: baton: ${message.replace('FILE', junk)}`)
  })

  it('is refused if the private key does not belong to the certificate', async () => {
    const words = ['--client-cert', fixture('client.pem'), '--client-key', fixture('server-key.pem')]
    expect(await answer('--http-addr', 'https://127.0.0.1:1', ...words)).toMatch(
      /^64: .*server-key\.pem is not the key of /,
    )
  })
})
