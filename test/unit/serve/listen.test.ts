import {describe, expect, it} from 'vitest'
import {formatListen, isLoopback, parseListen} from '../../../src/serve/listen.js'

describe('the address to listen on', () => {
  it.each([
    ['127.0.0.1:8080', '127.0.0.1', 8080],
    ['8080', '127.0.0.1', 8080],
    [':8080', '127.0.0.1', 8080],
    ['localhost:0', 'localhost', 0],
    ['[::1]:8080', '::1', 8080],
    ['0.0.0.0:80', '0.0.0.0', 80],
  ])('is parsed from %s into a host and a port', (text, host, port) => {
    expect(parseListen(text)).toEqual({host, port})
  })

  it.each(['', 'x', '1:2:3', '::1:80', 'a:', 'a:99999', 'a:-1', 'http://a:80', 'a:80/x', 'a:8 0'])(
    'cannot be parsed from %j',
    text => {
      expect(() => parseListen(text)).toThrow(/listen address: '.*' cannot be used/)
    },
  )

  it('is recognised as loopback or not', () => {
    expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].every(isLoopback)).toBe(true)
    expect(['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com'].some(isLoopback)).toBe(false)
  })

  it('can be formatted and parsed back', () => {
    expect(formatListen({host: '::1', port: 1})).toBe('[::1]:1')
    expect(formatListen({host: '127.0.0.1', port: 1})).toBe('127.0.0.1:1')
  })
})
