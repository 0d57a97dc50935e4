import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {basename, join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {readWatchFiles} from '../../../src/config/watch-files.js'
import {parseWatches} from '../../../src/watch/config.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-watches-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))
const http = {path: 'http://localhost:1/x', header: {'x-a': ['1']}}
const nodes = JSON.stringify({watches: [{type: 'nodes', handler_type: 'http', http_handler_config: http}]})
for (const [name, text] of [
  ['agent.hcl', 'server = true'],
  ['notes.txt', 'not a setting'],
  [
    'watches.hcl',
    `watches { type = "nodes" handler_type = "http"
      http_handler_config { path = "http://localhost:1/x" header { x-a = ["1"] } } }`,
  ],
  ['watches.json', nodes],
  ['watches.yaml', nodes],
] as const) {
  writeFileSync(join(directory, name), text)
}

describe('a file that defines watches', () => {
  it("may contain the settings of Consul's own watches", () => {
    const watches = parseWatches(
      [
        {
          type: 'key',
          key: 'a',
          args: ['./a.sh', '-x'],
          datacenter: 'dc2',
          debounce: '2s',
          on_error: 'retry',
          timeout: '5s',
          once: true,
        },
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
        onError: 'retry',
        timeoutMs: 5000,
        isOnce: true,
      },
      {
        spec: {type: 'service', service: 'web', tags: ['blue'], passingOnly: true},
        scope: {},
        run: {kind: 'shell', command: 'reload web'},
        debounceMs: 0,
        onError: 'continue',
        timeoutMs: undefined,
        isOnce: false,
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
        onError: 'continue',
        timeoutMs: undefined,
        isOnce: false,
      },
    ])
  })

  it.each([
    [undefined, /^w.json: no watches: /],
    [[], /^w.json: no watches: /],
    [[{type: 'key', key: 'a'}], /watches\[0\]: give exactly one of args and handler/],
    [[{type: 'key', args: ['x']}], /watches\[0\]: Must specify a single key/],
    [[{type: 'key', key: 'a', args: ['x'], on_error: 'stop'}], /watches\[0\].on_error: /],
    [[{type: 'key', key: 'a', args: ['x'], timeout: '5'}], /watches\[0\]: timeout: '5' is not a duration/],
    [[{type: 'key', key: 'a', handler_type: 'http'}], /needs http_handler_config/],
    [[{type: 'key', key: 'a', args: ['x'], debounce: '3'}], /debounce: '3' is not a duration/],
  ])('is refused with a message that says where the fault is (watches: %j)', (raw, pattern) => {
    expect(() => parseWatches(raw, 'w.json')).toThrow(pattern)
  })

  it.each([
    [{keey: 'a'}, "w.json: unknown setting 'watches[0].keey'", "did you mean 'key'?"],
    [{on_eror: 'exit'}, "w.json: unknown setting 'watches[0].on_eror'", "did you mean 'on_error'?"],
    [
      {handler_type: 'http', http_handler_config: {path: 'http://x', headers: {}}},
      "w.json: unknown setting 'watches[0].http_handler_config.headers'",
      "did you mean 'header'?",
    ],
  ])('is refused with a suggestion if the name of a setting is unknown (settings: %j)', (wrong, message, hint) => {
    expect(() => parseWatches([{type: 'key', ...wrong}], 'w.json')).toThrow(
      expect.objectContaining({message: `config: ${message}`, hint}) as Error,
    )
  })

  it.each([
    [{type: 1}, '.type: must be a string'],
    [{}, '.type: is missing'],
    ['x', ': must be an object'],
    [{type: 'key', args: []}, '.args: must not be empty'],
    [{type: 'key', args: [1]}, '.args[0]: must be a string'],
    [{type: 'key', on_error: 'stop'}, '.on_error: must be exit or continue or retry'],
    [{type: 'key', handler_type: 'ftp'}, '.handler_type: must be script or http'],
    [{type: 'key', once: 'yes'}, '.once: must be true or false'],
    [{type: 'key', limit: '5'}, '.limit: must be a number'],
    [{type: 'service', tag: 5}, '.tag: must be a string or a list'],
    [{type: 'key', http_handler_config: {path: 'nope'}}, '.http_handler_config.path: must be a URL'],
    [{type: 'key', http_handler_config: {}}, '.http_handler_config.path: is missing'],
  ])('is refused in words if a value is wrong (watch: %j)', (wrong, fault) => {
    expect(() => parseWatches([wrong], 'w.json')).toThrow(
      expect.objectContaining({message: `w.json: watches[0]${fault}`}) as Error,
    )
  })

  it.each(['watches.hcl', 'watches.json', 'watches.yaml'])('can be read from %s', async name => {
    const [file] = await readWatchFiles(join(directory, name))
    expect(parseWatches(file?.watches, name)).toMatchObject([
      {spec: {type: 'nodes'}, run: {kind: 'http', headers: {'x-a': ['1']}}},
    ])
  })

  it('may be a folder, in which files without watches are ignored', async () => {
    const files = await readWatchFiles(directory)
    expect(files.map(({path}) => basename(path))).toEqual(['watches.hcl', 'watches.json', 'watches.yaml'])
    await expect(readWatchFiles(join(directory, 'none'))).rejects.toThrow(/cannot read .*none: ENOENT/)
  })
})
