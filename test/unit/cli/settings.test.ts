import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {describeSettings, layerSettings, withOrigin} from '../../../src/cli/settings.js'
import {UsageError} from '../../../src/core/errors.js'

const flags = {
  'http-addr': {type: 'option'},
  token: {type: 'option'},
  timeout: {type: 'option'},
  stale: {type: 'boolean', allowNo: true},
  config: {type: 'option'},
  tags: {type: 'option', multiple: true},
} as const
let dir: string

/** Configuration files that must be refused, each with the text that follows the file's name in the message. */
const refused: readonly {readonly text: string; readonly line: string; readonly hint?: string}[] = [
  {text: '{"lokc":{"timeout":"1s"}}', line: "unknown setting 'lokc'", hint: "did you mean 'lock'?"},
  {text: '{"kv-gte":{}}', line: "unknown setting 'kv-gte'", hint: "did you mean 'kv-get'?"},
  {text: '{"kv_get":{"tiemout":"1s"}}', line: "unknown setting 'tiemout'", hint: "did you mean 'timeout'?"},
  {text: '{"kv-get":"1s"}', line: 'kv-get must hold the settings of the command'},
  {text: '{"lock":null}', line: 'lock must hold the settings of the command'},
  {text: '{"kv-get":[{"timeout":"1s"}]}', line: 'kv-get must hold the settings of the command'},
  {text: '{"http-addr":{"host":"a"}}', line: 'http-addr must be a plain value'},
  {text: '{"http-addr":["a:1","b:1"]}', line: 'http-addr takes one value, not a list'},
  {text: '{"tags":["a",{"b":1}]}', line: 'tags must be a plain value'},
  {text: '{"http-addr":null}', line: 'http-addr is empty'},
  {text: '{"timeout":""}', line: 'timeout is empty'},
  {text: '{"tags":["a",""]}', line: 'tags is empty'},
  {text: '{"timeout":true}', line: 'timeout must not be true'},
  {text: '{"stale":"maybe"}', line: "stale: 'maybe' is neither true nor false"},
  {text: '{"stale":1}', line: 'stale must be true or false'},
  {text: '{"config":"b.json"}', line: "unknown setting 'config'"},
]

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'baton-settings-'))
  writeFileSync(join(dir, 'a.json'), JSON.stringify({http_addr: 'a:1', timeout: '1s', lock: {timeout: '2s'}}))
  writeFileSync(join(dir, 'b.yaml'), 'http-addr: b:1\n')
  writeFileSync(join(dir, 'typo.json'), JSON.stringify({tiemout: '1s'}))
  writeFileSync(join(dir, 'broken.json'), '{')
  for (const [at, {text}] of refused.entries()) writeFileSync(join(dir, `refused-${at}.json`), text)
})
afterAll(() => rmSync(dir, {recursive: true}))

const layer = (argv: string[], env: Record<string, string> = {}, command = 'kv get') =>
  layerSettings({
    command,
    argv,
    flags,
    env,
    sections: ['kv-get', 'lock'],
    canBeEmpty: name => name === 'http-addr',
    isUnsetByEmpty: name => name === 'http-addr',
  })

describe('layerSettings', () => {
  it('uses the environment variable if a connection flag is given with an empty value', async () => {
    const {argv, sources} = await layer(['--http-addr=', '--token=', 'key', '--', '--http-addr='], {
      CONSUL_HTTP_ADDR: 'b:1',
      CONSUL_HTTP_TOKEN: 't',
    })
    expect(argv).toEqual(['--http-addr=b:1', '--token=', 'key', '--', '--http-addr='])
    expect(sources.get('http-addr')).toBe('CONSUL_HTTP_ADDR')
  })

  it('reads no settings from the arguments after --', async () => {
    const {argv, sources} = await layer(['key', '--', '--config=/nowhere', '--token=x'], {CONSUL_HTTP_TOKEN: 't'})
    expect(sources.get('token')).toBe('CONSUL_HTTP_TOKEN')
    expect(argv).toEqual(['--token=t', 'key', '--', '--config=/nowhere', '--token=x'])
  })

  it('lets flags override BATON_*, BATON_* override CONSUL_*, and CONSUL_* override files', async () => {
    const file = `--config=${join(dir, 'a.json')}`
    const env = {BATON_HTTP_ADDR: 'baton:1', CONSUL_HTTP_ADDR: 'consul:1'}
    const of = async (argv: string[], variables: Record<string, string>) => {
      const {argv: words, sources} = await layer(argv, variables)
      return [words.filter(word => word.startsWith('--http-addr')), sources.get('http-addr')]
    }
    expect(await of(['--http-addr=f:1', file], env)).toEqual([['--http-addr=f:1'], 'flag'])
    expect(await of([file], env)).toEqual([['--http-addr=baton:1'], 'BATON_HTTP_ADDR'])
    expect(await of([file], {CONSUL_HTTP_ADDR: 'consul:1'})).toEqual([['--http-addr=consul:1'], 'CONSUL_HTTP_ADDR'])
    expect(await of([file], {})).toEqual([['--http-addr=a:1'], join(dir, 'a.json')])
    expect(await of([], {BATON_HTTP_ADDR: ''})).toEqual([[], undefined])
  })

  it("lets a later file override an earlier one, and a command's section override the rest of its file", async () => {
    const {argv} = await layer([`--config=${join(dir, 'a.json')}`, `--config=${join(dir, 'b.yaml')}`], {}, 'lock')
    expect(argv).toContain('--http-addr=b:1')
    expect(argv).toContain('--timeout=2s')
  })

  it("reads booleans in Go's syntax, and names an environment variable whose value is not a boolean", async () => {
    expect((await layer([], {BATON_STALE: 'T'})).argv).toEqual(['--stale'])
    expect((await layer([], {BATON_STALE: '0'})).argv).toEqual(['--no-stale'])
    await expect(layer([], {BATON_STALE: 'yes'})).rejects.toThrow("BATON_STALE: 'yes' is neither true nor false")
  })

  it('ignores environment variables and files for a setting that a flag has turned off', async () => {
    const given = {
      command: 'kv delete',
      argv: ['key'],
      flags: {recurse: {type: 'boolean'}},
      env: {BATON_RECURSE: '1'},
    } as const
    expect(await layerSettings({...given, off: ['recurse']})).toEqual({
      argv: ['key'],
      sources: new Map([['recurse', 'flag']]),
    })
    expect((await layerSettings(given)).argv).toEqual(['--recurse', 'key'])
  })

  it('refuses an unknown setting with a suggestion, and a file that is invalid or missing', async () => {
    await expect(layer([`--config=${join(dir, 'typo.json')}`])).rejects.toMatchObject({
      message: expect.stringContaining("unknown setting 'tiemout'"),
      hint: "did you mean 'timeout'?",
    })
    await expect(layer([`--config=${join(dir, 'broken.json')}`])).rejects.toThrow('broken.json')
    await expect(layer([`--config=${join(dir, 'none.json')}`])).rejects.toThrow('ENOENT')
  })

  it.each(refused.map((one, at) => ({...one, at})))(
    'refuses a file with the content $text',
    async ({at, line, hint}) => {
      const path = join(dir, `refused-${at}.json`)
      await expect(layer([`--config=${path}`])).rejects.toMatchObject({
        code: 'BATON_CONFIG',
        message: `config: ${path}: ${line}`,
        ...(hint !== undefined && {hint}),
      })
    },
  )

  it('lists secrets without their values', () => {
    const shown = describeSettings(
      flags,
      {token: 's3cret', 'http-addr': 'x:1'},
      new Map([['token', 'CONSUL_HTTP_TOKEN']]),
    )
    expect(shown.token).toEqual({value: '(hidden)', source: 'CONSUL_HTTP_TOKEN'})
    expect(JSON.stringify(shown)).not.toContain('s3cret')
  })
})

describe('an error about the value of a setting', () => {
  const error = new UsageError("--timeout: 'x' is not a duration", {hint: 'write it like 15s'})

  it.each([
    ['BATON_TIMEOUT', "BATON_TIMEOUT: 'x' is not a duration", 'BATON_USAGE'],
    ['a/b.json', "config: a/b.json: timeout: 'x' is not a duration", 'BATON_CONFIG'],
  ])('names where the value comes from (%s)', (source, message, code) => {
    expect(withOrigin(error, new Map([['timeout', source]]))).toMatchObject({message, code, hint: error.hint})
  })

  it('names the flag if the value was given as a flag', () => {
    expect(withOrigin(error, new Map([['timeout', 'flag']]))).toBe(error)
  })
})
