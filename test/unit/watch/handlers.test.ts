import {createHash} from 'node:crypto'
import {createServer, type IncomingHttpHeaders} from 'node:http'
import type {AddressInfo} from 'node:net'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {goHandlerText} from '../../../src/cli/watch/go-text.js'
import {systemClock} from '../../../src/core/time/clock.js'
import type {ConsulIndex} from '../../../src/core/types.js'
import {HandlerError} from '../../../src/process/handler.js'
import {Delivery} from '../../../src/watch/delivery.js'
import {execHandler, type Handler, handlerInput, httpHandler, withPolicy} from '../../../src/watch/handlers.js'
import {toBlock, toItem, WatchValue} from '../../../src/watch/value.js'
import {watchValue} from './support/watch-value.js'

const oneKey = {type: 'key', key: 'a'} as const
const toDelivery = (): Delivery =>
  new Delivery({
    spec: oneKey,
    index: 7n as ConsulIndex,
    isFirst: true,
    content: watchValue(oneKey, {Key: 'a', Flags: 2n ** 64n - 1n}),
    before: watchValue(oneKey, null),
  })
const delivery = toDelivery()
const inputText = (withPrevious: boolean): string =>
  Array.from(handlerInput(delivery, withPrevious), chunk => Buffer.from(chunk).toString()).join('')
const signal = new AbortController().signal
const env = {PATH: process.env['PATH'] ?? ''}

describe('the input of a handler', () => {
  it('is one line of JSON', () => {
    expect(inputText(false)).toBe('{"Key":"a","Flags":18446744073709551615}\n')
  })

  it('contains the previous value and the changes if asked for', () => {
    expect(JSON.parse(inputText(true))).toMatchObject({
      v: 1,
      index: '7',
      previous: null,
      changes: [{op: 'create', key: 'a', item: {Key: 'a'}, previous: null}],
    })
  })
})

describe('a command as a handler', () => {
  const run = (...argv: [string, ...string[]]): Promise<unknown> =>
    execHandler({argv, env, clock: systemClock})(delivery, signal).then(
      () => 'ok',
      (error: unknown) => error,
    )

  it('receives the value on stdin and the index in its environment', async () => {
    expect(await run('sh', '-c', 'grep -q 18446744073709551615 && test "$CONSUL_INDEX" = 7')).toBe('ok')
  })

  it('receives a large list completely even if it reads slowly, and does not fail if it leaves the list unread', async () => {
    const blocks = Array.from({length: 60}, (_, at) => toBlock([toItem(`${at}`, `${at} `.padEnd(10_000, 'x'))]))
    const content = new WatchValue('list', blocks)
    const large = new Delivery({spec: oneKey, index: undefined, isFirst: true, content, before: undefined})
    const checksum = createHash('sha256').update(`${content.text}\n`).digest('hex')
    const sum = `sleep 0.1; test "$(sha256sum)" = "${checksum}  -"`
    const handle = (...argv: [string, ...string[]]): Promise<void> =>
      execHandler({argv, env, clock: systemClock})(large, signal)
    await handle('sh', '-c', sum)
    await handle('true')
    await handle('sh', '-c', 'head -c 200000 >/dev/null')
  })

  it('may exit without reading its input', async () => {
    expect(await run('true')).toBe('ok')
  })

  it.each([
    [['sh', '-c', 'exit 3'], 3, 'Error executing handler: exit status 3'],
    [['sh', '-c', 'kill -9 $$'], 137, 'Error executing handler: signal: killed'],
    [['/nonexist'], 127, 'Error starting handler: fork/exec /nonexist: no such file or directory'],
    [['nosuchcmd'], 127, 'Error starting handler: exec: "nosuchcmd": executable file not found in $PATH'],
  ] as const)('fails (command: %j, exit code: %i)', async (argv, exitCode, goText) => {
    const error = await run(...(argv as unknown as [string, ...string[]]))
    expect(error).toBeInstanceOf(HandlerError)
    expect(error).toMatchObject({exitCode})
    expect(goHandlerText(error as HandlerError)).toBe(goText)
  })

  it('is stopped at its time limit', async () => {
    const handler = execHandler({argv: ['sleep', '60'], env, clock: systemClock, timeoutMs: 30, graceMs: 1000})
    await expect(handler(delivery, signal)).rejects.toMatchObject({exitCode: 124})
  })
})

describe('an HTTP address as a handler', () => {
  const seen: {method: string | undefined; headers: IncomingHttpHeaders; body: string}[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      seen.push({method: request.method, headers: request.headers, body})
      const isBad = request.url?.startsWith('/bad') === true
      if (request.url === '/silent') return
      response.statusCode = isBad ? 503 : 204
      response.end(isBad ? 'not now' : undefined)
    })
  })
  const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  beforeAll(() => new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it('receives the value, with the index in a header', async () => {
    await httpHandler({url: url('/ok'), headers: {'X-Mine': ['1', '2']}})(delivery, signal)
    expect(seen.at(-1)).toMatchObject({
      method: 'POST',
      body: '{"Key":"a","Flags":18446744073709551615}\n',
      headers: {'content-type': 'application/json', 'x-consul-index': '7', 'x-mine': '1, 2'},
    })
  })

  it('fails if the status is not 2xx, if there is no answer, or if the connection is refused', async () => {
    await expect(httpHandler({url: url('/bad?secret=1'), method: 'PUT'})(delivery, signal)).rejects.toThrow(
      /handler http:\/\/127.0.0.1:\d+\/bad: HTTP 503: not now/,
    )
    await expect(httpHandler({url: url('/silent'), timeoutMs: 30})(delivery, signal)).rejects.toThrow(
      /no answer in time/,
    )
    await expect(httpHandler({url: 'http://127.0.0.1:1/'})(delivery, signal)).rejects.toThrow(/ECONNREFUSED/)
  })
})

describe('a handler with the setting onError', () => {
  const failing = (times: number): {handler: Handler; calls: () => number} => {
    let calls = 0
    return {
      calls: () => calls,
      handler: async () => {
        calls += 1
        if (calls <= times) throw new HandlerError('no', {exitCode: 3, failure: {how: 'exit'}})
      },
    }
  }
  const base = {random: () => 0}

  it('rejects with the failure if the setting is `exit`', async () => {
    const {handler} = failing(1)
    await expect(withPolicy(handler, {...base, onError: 'exit'})(delivery, signal)).rejects.toThrow('no')
  })

  it('reports the failure and continues if the setting is `continue`', async () => {
    const {handler, calls} = failing(9)
    const reported: string[] = []
    const onFailure = (error: HandlerError): void => void reported.push(error.message)
    await withPolicy(handler, {...base, onError: 'continue', onFailure})(delivery, signal)
    expect([calls(), reported]).toEqual([1, ['no']])
  })

  it('is repeated after growing delays if the setting is `retry`, and starts with the first delay again for a newer value', async () => {
    const {handler} = failing(3)
    const deliver = withPolicy(handler, {random: () => 0.9, onError: 'retry'})
    const first = await deliver(delivery, signal)
    const second = await deliver(delivery, signal)
    const newer = toDelivery()
    expect(second).toBeGreaterThan(first ?? 0)
    expect(await deliver(newer, signal)).toBe(first)
    expect(await deliver(newer, signal)).toBeUndefined()
  })

  it('resolves if it fails after the watch was stopped', async () => {
    const stop = new AbortController()
    const handler = withPolicy(
      async () => {
        stop.abort(new Error('enough'))
        throw new HandlerError('stopped', {exitCode: 143, failure: {how: 'exit'}})
      },
      {...base, onError: 'exit'},
    )
    await expect(handler(delivery, stop.signal)).resolves.toBeUndefined()
  })
})
