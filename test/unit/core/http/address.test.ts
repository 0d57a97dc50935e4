import {describe, expect, it} from 'vitest'
import {UsageError} from '../../../../src/core/errors.js'
import {formatAddress, parseAddress} from '../../../../src/core/http/address.js'

describe('parseAddress', () => {
  it.each([
    ['127.0.0.1:8500', {protocol: 'http:', hostname: '127.0.0.1', port: 8500, basePath: ''}],
    ['http://consul.local', {protocol: 'http:', hostname: 'consul.local', port: 80, basePath: ''}],
    ['https://consul.local', {protocol: 'https:', hostname: 'consul.local', port: 443, basePath: ''}],
    ['https://c.local:8501/consul/', {protocol: 'https:', hostname: 'c.local', port: 8501, basePath: '/consul'}],
    ['[::1]:8500', {protocol: 'http:', hostname: '::1', port: 8500, basePath: ''}],
    ['localhost:8500', {protocol: 'http:', hostname: 'localhost', port: 8500, basePath: ''}],
  ])('reads the address %s', (text, address) => {
    expect(parseAddress(text)).toEqual({...address, socketPath: undefined})
  })

  it.each([
    '010.1.1.1:1',
    '1.2.3:80',
    'host:080',
    'HOST.Example:80',
    'xn--bcher-kva.example:1',
    '255.0.0.9:65535',
    'a-b.c:8500',
  ])('reads the host and the port of %s as a URL', text => {
    const url = new URL(`http://${text}`)
    expect(parseAddress(text)).toMatchObject({hostname: url.hostname, port: Number(url.port || 80)})
  })

  it.each(['256.1.1.1:80', '1.2.3.999:80', 'xn--a:80'])('refuses %s as a URL does', text => {
    expect(() => new URL(`http://${text}`)).toThrow()
    expect(() => parseAddress(text)).toThrow(UsageError)
  })

  it('reads the path of a Unix socket', () => {
    expect(parseAddress('unix:///run/consul.sock')).toMatchObject({protocol: 'http:', socketPath: '/run/consul.sock'})
  })

  it('uses TLS for an address without https:// if an option says so', () => {
    expect(parseAddress('127.0.0.1:8500', {ssl: true}).protocol).toBe('https:')
    expect(parseAddress('http://127.0.0.1:8500', {ssl: true}).protocol).toBe('https:')
  })

  it.each([
    '',
    ':8500',
    'ftp://x',
    'http://',
    'a b',
    'unix://',
    'host:99999',
    'http://x/?q=1',
    'http://me:s3cret@host',
  ])('refuses %j, and shows no password in the message', text => {
    let error: unknown
    try {
      parseAddress(text)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message).not.toContain('s3cret')
  })
})

describe('formatAddress', () => {
  it.each(['127.0.0.1:8500', '[::1]:8500', 'https://consul.local:8501/consul', 'unix:///run/consul.sock'])(
    'shows %s in its original form',
    text => {
      expect(formatAddress(parseAddress(text))).toBe(text)
    },
  )
})
