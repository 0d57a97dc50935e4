import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {clientOptionsFromEnvironment} from '../../../src/config/client-options.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))
const tokenFile = join(folder, 'token')

describe('the client options that are read from environment variables', () => {
  it("are empty if Consul's variables are missing or empty", () => {
    expect(clientOptionsFromEnvironment({HOME: '/root', CONSUL_HTTP_ADDR: '', BATON_TOKEN: ''})).toEqual({})
  })

  it.each([
    [{CONSUL_HTTP_ADDR: 'a:1'}, {address: 'a:1'}],
    [{CONSUL_HTTP_TOKEN: 't'}, {token: 't'}],
    [{CONSUL_HTTP_AUTH: 'u:p'}, {auth: 'u:p'}],
    [{CONSUL_HTTP_SSL: 'true'}, {ssl: true}],
    [{CONSUL_HTTP_SSL: '0'}, {}],
    [{CONSUL_HTTP_SSL_VERIFY: 'false'}, {tls: {rejectUnauthorized: false}}],
    [{CONSUL_TLS_SERVER_NAME: 'server.dc1.consul'}, {tls: {servername: 'server.dc1.consul'}}],
    [
      {CONSUL_NAMESPACE: 'n', CONSUL_PARTITION: 'p'},
      {namespace: 'n', partition: 'p'},
    ],
    [{BATON_DATACENTER: 'dc2'}, {datacenter: 'dc2'}],
    [{BATON_STALE: '1'}, {consistency: 'stale'}],
    [{BATON_HTTP_ADDR: 'b:1', CONSUL_HTTP_ADDR: 'a:1'}, {address: 'b:1'}],
    [{BATON_HTTP_ADDR: '', CONSUL_HTTP_ADDR: 'a:1'}, {address: 'a:1'}],
    [{BATON_HTTP_SSL: 'false', CONSUL_HTTP_SSL: 'true'}, {}],
  ])('are read correctly from the variables %o', (env, options) => {
    expect(clientOptionsFromEnvironment(env)).toEqual(options)
  })

  it('prefer a token file to a token, and contain the new token after a change of the file', () => {
    writeFileSync(tokenFile, 'first\n')
    const {token} = clientOptionsFromEnvironment({CONSUL_HTTP_TOKEN_FILE: tokenFile, CONSUL_HTTP_TOKEN: 'other'})
    if (typeof token !== 'function') throw new Error('expected a function')
    expect(token()).toBe('first')
    writeFileSync(tokenFile, 'the second')
    expect(token()).toBe('the second')
    rmSync(tokenFile)
    expect(token()).toBe('the second')
  })

  it.each([
    [{CONSUL_HTTP_TOKEN_FILE: '/does/not/exist'}, 'token-file: cannot read /does/not/exist: ENOENT'],
    [{CONSUL_CACERT: '/does/not/exist'}, 'ca-file: cannot read /does/not/exist: ENOENT'],
    [{CONSUL_CLIENT_CERT: '/a.pem'}, 'client-cert and client-key: one is given without the other'],
    [{CONSUL_HTTP_SSL: 'perhaps'}, "CONSUL_HTTP_SSL: 'perhaps' is neither true nor false"],
    [{BATON_STALE: 'perhaps'}, "BATON_STALE: 'perhaps' is neither true nor false"],
  ])('cannot be read from the variables %o', (env, message) => {
    expect(() => clientOptionsFromEnvironment(env)).toThrow(message)
  })

  it('cannot be read if the variables are not an object', () => {
    expect(() => clientOptionsFromEnvironment(undefined as never)).toThrow('the option `env` to be an object')
  })
})
