import {describe, expect, it} from 'vitest'
import {toProbe, toService} from '../../../../src/cli/service/flags.js'

describe('toProbe', () => {
  const own = {port: 8080}

  it.each([
    ['http://10.0.0.1/health', {kind: 'http', url: 'http://10.0.0.1/health'}],
    ['http:/health?full=1', {kind: 'http', url: 'http://127.0.0.1:8080/health?full=1'}],
    ['https:/', {kind: 'http', url: 'https://127.0.0.1:8080/'}],
    ['tcp', {kind: 'tcp', host: '127.0.0.1', port: 8080}],
    ['tcp:53', {kind: 'tcp', host: '127.0.0.1', port: 53}],
    ['tcp:db.local:5432', {kind: 'tcp', host: 'db.local', port: 5432}],
    ['tcp:[::1]:5432', {kind: 'tcp', host: '::1', port: 5432}],
    ['script: test -e /ready', {kind: 'script', argv: ['/bin/sh', '-c', 'test -e /ready']}],
  ])('reads the value %s', (text, probe) => {
    expect(toProbe(text, own)).toEqual(probe)
  })

  it('returns a probe of the address of the service if --check names no host', () => {
    expect(toProbe('http:/', {port: 80, address: 'fe80::1'})).toEqual({kind: 'http', url: 'http://[fe80::1]:80/'})
    expect(toProbe('tcp', {port: 80, address: '10.0.0.7'})).toEqual({kind: 'tcp', host: '10.0.0.7', port: 80})
  })

  it.each([
    '',
    'http',
    'http:',
    'http://',
    'ftp://a/',
    'tcp:',
    'tcp:0',
    'tcp:65536',
    'tcp:host:',
    'script:',
    'script: ',
  ])('refuses the value %j', text => {
    expect(() => toProbe(text, own)).toThrow(/^--check: /)
  })

  it.each(['tcp', 'http:/'])('refuses %s if the service has no port', text => {
    expect(() => toProbe(text, {})).toThrow('needs --port')
  })
})

describe('toService', () => {
  it('derives the ID from the name and the port', () => {
    expect(toService({name: 'web'}).id).toBe('web')
    expect(toService({name: 'web', port: 80}).id).toBe('web-80')
    expect(toService({name: 'web', port: 80, id: 'w'}).id).toBe('w')
  })

  it('accepts equals signs in a metadata value, and refuses metadata without an equals sign', () => {
    expect(toService({name: 'web', meta: ['a=b=c', 'empty=']}).meta).toEqual({a: 'b=c', empty: ''})
    expect(() => toService({name: 'web', meta: ['novalue']})).toThrow("--meta: 'novalue' is not KEY=VALUE")
    expect(() => toService({name: 'web', meta: ['=x']})).toThrow('is not KEY=VALUE')
  })
})
