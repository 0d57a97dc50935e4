import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {raw} from '../kit/raw-consul.js'
import {runInProcess} from '../kit/run-in-process.js'

const pem = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0LWtleS1ieXRlcw==\n-----END PRIVATE KEY-----'
const texts = [pem, '---\na: 1', '--spring.profiles=prod', '-5', '-', '--']

describe.each(backends)('free text that begins with dashes, on $name', backend => {
  const agent = sharedAgent(backend)
  const valueOf = async (key: string): Promise<string> => (await raw(agent.address).ok('GET', `/v1/kv/${key}?raw`)).text

  it.each([...texts.filter(text => text !== '-'), '--cas'])('is written unchanged by kv put: %j', async text => {
    expect(await runInProcess(['kv', 'put', 'free/put', text], {agent})).toMatchObject({exitCode: 0, stderr: ''})
    expect(await valueOf('free/put')).toBe(text)
  })

  it.each([pem, '---\na: 1', '--spring.profiles=prod', '-5'])(
    'is written unchanged by kv cas, even between flags: %j',
    async text => {
      await raw(agent.address).ok('PUT', '/v1/kv/free/cas', {body: 'old'})
      const result = await runInProcess(['kv', 'cas', 'free/cas', text, '--expect', 'old'], {agent})
      expect(result).toMatchObject({exitCode: 0, stderr: ''})
      expect(await valueOf('free/cas')).toBe(text)
      const back = await runInProcess(['kv', 'cas', 'free/cas', '--expect', text, '--', text], {agent})
      expect(back).toMatchObject({exitCode: 0, stderr: ''})
    },
  )

  it('is sent as the payload by event fire', async () => {
    const result = await runInProcess(['event', 'fire', 'free', '--json', '--spring.profiles=prod'], {agent})
    expect(result).toMatchObject({exitCode: 0, stderr: ''})
    const events = (await raw(agent.address).ok('GET', '/v1/event/list?name=free')).json() as {Payload: string}[]
    expect(events.map(({Payload}) => Buffer.from(Payload, 'base64').toString())).toEqual(['--spring.profiles=prod'])
  })

  it.each([['lock free/l'], ['kv update free/u'], ['watch key free/w'], ['env free/']])(
    'is not shown in full if it is given in the place of a program: %s',
    async line => {
      const {exitCode, stdout, stderr} = await runInProcess([...line.split(' '), '--', pem], {agent})
      expect(exitCode).toBe(127)
      expect(stderr).toContain('-----BEGIN PRIVATE…: command not found')
      expect(stdout + stderr).not.toContain('c2VjcmV0')
    },
  )

  it('is not treated as a flag after --', async () => {
    const result = await runInProcess(['kv', 'put', 'free/config', '--', '--config=/nowhere'], {agent})
    expect(result).toMatchObject({exitCode: 0, stderr: ''})
    expect(await valueOf('free/config')).toBe('--config=/nowhere')
  })
})

describe('an argument that may be a secret', () => {
  it.each([
    [['kv', 'get', 'key', pem]],
    [['kv', 'put', 'key', 'value', pem]],
    [[pem]],
    [[`x${pem}`]],
    [['kv', `x${pem}`]],
    [['kv', pem]],
    [['help', pem]],
    [['kv', 'put', `--flags=${pem}`, 'key']],
    [['kv', 'get', `--stale=${pem}`, 'key']],
    [['kv', 'get', `--log-level=${pem}`, 'key']],
    [['kv', 'get', `--http-addr=${pem}`, 'key']],
    [['lock', `--timeout=${pem}`, 'key', 'true']],
    [['lock', `--timeout=${'1'.repeat(60)}`, 'key', 'true']],
    [['lock', `--limit=${pem}`, 'key', 'true']],
    [['lock', `--compat=${pem}`, 'key', 'true']],
    [['watch', `--type=${pem}`]],
    [['watch', 'key', 'a', `--http-handler=${pem}`]],
    [['watch', 'key', 'a', '--http-handler=http://a', `--http-header=${pem}`]],
    [['watch', '--type=service', '--service=a', `--passingonly=${pem}`]],
    [['event', 'fire', 'x', 'y', pem]],
    [['event', 'fire', 'x', '--durable', `--keep=${pem}`]],
    [['exec', `--wait=${pem}`, 'true']],
    [['exec', `--concurrency=${pem}`, 'true']],
    [['discover', `--listen=${pem}`, 'key']],
    [['dev', `--http-addr=${pem}`]],
    [['kv', 'import', pem]],
    [['keys', pem]],
  ])('is not shown in full in an error: %j', async words => {
    const {stdout, stderr, exitCode} = await runInProcess(words, {env: {CONSUL_HTTP_ADDR: '127.0.0.1:1'}})
    expect(exitCode).toBe(64)
    expect(stdout + stderr).not.toMatch(/c2VjcmV0|1{30}/)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
