import {describe, expect, it} from 'vitest'
import {sourceConnection, withConsulReplicate} from '../../../../src/cli/replicate/connection.js'
import type {ConnectionSettings} from '../../../../src/config/connection.js'

const read = (
  settings: ConnectionSettings,
  flags: Parameters<typeof withConsulReplicate>[1] = {},
  {env = {}, sources = {}}: {env?: Record<string, string>; sources?: Record<string, string>} = {},
) => withConsulReplicate(settings, flags, {env, sources: new Map(Object.entries(sources))})

const fields = ['ca-file', 'ca-path', 'client-cert', 'client-key', 'tls-server-name'] as const

describe("consul-replicate's connection settings", () => {
  it.each(fields)('turn TLS on if %s is set', name => {
    expect(read({[name]: 'x'}, {}, {sources: {[name]: 'c.hcl'}}).settings).toMatchObject({
      'http-ssl': true,
      [name]: 'x',
    })
  })

  it.each([true, false])('turn TLS on if consul-ssl-verify is %s', verify => {
    expect(read({}, {'consul-ssl-verify': verify}).settings).toMatchObject({
      'http-ssl': true,
      'http-ssl-verify': verify,
    })
  })

  it("leave TLS off if they are absent or empty, or if only Consul's own variables are set", () => {
    expect(read({'http-addr': 'a:1'}).settings).toEqual({'http-addr': 'a:1'})
    expect(read({'ca-file': '', 'client-cert': ''}, {}, {sources: {'ca-file': 'c.hcl'}}).settings).toEqual({})
    expect(read({'ca-file': 'x'}, {}, {sources: {'ca-file': 'CONSUL_CACERT'}}).settings).toEqual({'ca-file': 'x'})
  })

  it.each(fields)('do not include %s if the block that contains this setting is turned off', name => {
    const settings = {[name]: '/none', 'http-addr': 'a:1'}
    expect(read(settings, {'consul-ssl': false, 'consul-ssl-verify': false}).settings).toEqual({'http-addr': 'a:1'})
  })

  it('include those from TLS environment variables if a file turns TLS off, but not if a flag does', () => {
    const settings = {'http-ssl': true, 'ca-file': 'env', 'tls-server-name': 'file'}
    const sources = {'ca-file': 'CONSUL_CACERT', 'tls-server-name': 'c.hcl', 'consul-ssl': 'c.hcl'}
    expect(read(settings, {'consul-ssl': false}, {sources}).settings).toEqual({'http-ssl': true, 'ca-file': 'env'})
    expect(read(settings, {'consul-ssl': false}, {sources: {...sources, 'consul-ssl': 'flag'}}).settings).toEqual({})
  })

  it('turn TLS off for an http:// address, with a warning, unless TLS is turned on explicitly', () => {
    const settings = {'http-addr': 'http://a:1', 'ca-file': 'x'}
    const {warning, settings: plain} = read(settings)
    expect(plain).toEqual(settings)
    expect(warning).toBe('ca-file: no effect: the address says http://')
    expect(read(settings, {'consul-ssl': true})).toEqual({
      settings: {...settings, 'http-ssl': true},
      warning: undefined,
    })
  })

  it('treat a certificate without a key file as a file that contains both certificate and key', () => {
    expect(read({'client-cert': 'both.pem'}).settings).toMatchObject({'client-key': 'both.pem'})
  })

  it('prefer CONSUL_TOKEN to a token file, and a flag to CONSUL_TOKEN', () => {
    const env = {CONSUL_TOKEN: 't'}
    expect(read({'token-file': 'f'}, {}, {env, sources: {'token-file': 'CONSUL_HTTP_TOKEN_FILE'}}).settings).toEqual({
      token: 't',
    })
    expect(read({token: 'typed'}, {}, {env, sources: {token: 'flag'}}).settings).toEqual({token: 'typed'})
  })
})

describe('a separate connection for the source', () => {
  it.each(fields)('uses TLS if %s is set', name => {
    const flags = {'source-http-addr': 'a:1', 'source-token': 't', [`source-${name}`]: 'x'}
    expect(sourceConnection(flags)?.settings).toMatchObject({'http-ssl': true, 'http-addr': 'a:1', token: 't'})
  })

  it('uses plain HTTP if no TLS setting for the source is given', () => {
    expect(sourceConnection({'source-http-addr': 'a:1'})).toEqual({
      settings: {'http-addr': 'a:1'},
      warning: undefined,
    })
  })
})
