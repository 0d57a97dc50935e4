import {describe, expect, it} from 'vitest'
import {parseWatches} from '../../../src/watch/config.js'

describe('a file of watches', () => {
  it("takes Consul's own words", () => {
    const watches = parseWatches(
      [
        {type: 'key', key: 'a', args: ['./a.sh', '-x'], datacenter: 'dc2', debounce: '2s'},
        {type: 'service', service: 'web', tag: 'blue', passingonly: true, handler: 'reload web'},
        {
          type: 'event',
          name: 'deploy',
          handler_type: 'http',
          http_handler_config: {path: 'http://localhost:1/x', header: {'x-a': ['1']}, timeout: '3s'},
        },
      ],
      'w.json',
    )
    expect(watches).toEqual([
      {
        spec: {type: 'key', key: 'a'},
        scope: {datacenter: 'dc2'},
        run: {kind: 'exec', argv: ['./a.sh', '-x']},
        debounceMs: 2000,
      },
      {
        spec: {type: 'service', service: 'web', tags: ['blue'], passingOnly: true},
        scope: {},
        run: {kind: 'shell', command: 'reload web'},
        debounceMs: 0,
      },
      {
        spec: {type: 'event', name: 'deploy'},
        scope: {},
        run: {
          kind: 'http',
          url: 'http://localhost:1/x',
          method: 'POST',
          headers: {'x-a': ['1']},
          timeoutMs: 3000,
          skipVerify: false,
        },
        debounceMs: 0,
      },
    ])
  })

  it.each([
    [undefined, /^w.json: no watches: /],
    [[], /^w.json: no watches: /],
    [[{type: 'key', key: 'a'}], /watches\[0\]: give exactly one of args and handler/],
    [[{type: 'key', args: ['x']}], /watches\[0\]: Must specify a single key/],
    [[{type: 'key', key: 'a', args: ['x'], kye: 1}], /watches\[0\]: .*kye/],
    [[{type: 'key', key: 'a', handler_type: 'http'}], /needs http_handler_config/],
    [[{type: 'key', key: 'a', args: ['x'], debounce: '3'}], /debounce: '3' is not a duration/],
  ])('refuses %j and says where', (raw, pattern) => {
    expect(() => parseWatches(raw, 'w.json')).toThrow(pattern)
  })
})
