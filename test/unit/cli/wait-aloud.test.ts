import {beforeEach, describe, expect, it} from 'vitest'
import {WaitAloud} from '../../../src/cli/wait-aloud.js'
import {TransportError} from '../../../src/core/errors.js'
import type {TransportResponse} from '../../../src/core/types.js'
import {FakeClock, settle} from '../../kit/fake-clock.js'

let clock: FakeClock
let said: string[]
let hopeless: unknown[]
let answers: {readonly resolve: (response: TransportResponse) => void; readonly reject: (error: unknown) => void}[]
let transport: WaitAloud
beforeEach(() => {
  clock = new FakeClock()
  said = []
  hopeless = []
  answers = []
  const inner = {
    send: () => new Promise<TransportResponse>((resolve, reject) => answers.push({resolve, reject})),
    async [Symbol.asyncDispose]() {},
  }
  transport = new WaitAloud(inner, {
    address: '127.0.0.1:1',
    clock,
    say: text => said.push(text),
    onHopeless: error => {
      hopeless.push(error)
      return true
    },
  })
})

const send = (path = '/v1/kv/a', signal?: AbortSignal): Promise<unknown> =>
  transport
    .send({method: 'GET', path, timeoutMs: 15_000, plane: 'control', ...(signal && {signal})})
    .catch((error: unknown) => error)
const response = (status: number, text = ''): TransportResponse => ({
  status,
  headers: new Map(),
  body: Buffer.from(text),
})
const refused = new TransportError('BATON_CONNECT', 'connection refused')

describe('WaitAloud, the messages about waiting for Consul', () => {
  it('reports nothing if Consul answers at once, or while a blocking query is waiting', async () => {
    const first = send()
    answers[0]?.resolve(response(200))
    await first
    void send('/v1/kv/a?index=7&wait=60s')
    await clock.advance(100_000)
    expect(said).toEqual([])
    expect(clock.pendingCount).toBe(0)
  })

  it('reports at growing intervals that Consul does not answer and why, and finally that it answers again', async () => {
    const first = send()
    await clock.advance(1500)
    expect(said).toEqual(['waiting for Consul: 127.0.0.1:1 has not answered yet (for 2s)'])
    answers[0]?.reject(refused)
    await first
    await clock.advance(3000)
    expect(said.at(-1)).toBe('waiting for Consul: connection refused (for 5s)')
    await clock.advance(595_500)
    expect(said.length).toBeLessThan(16)
    const second = send()
    answers[1]?.resolve(response(200))
    await second
    expect(said.at(-1)).toBe('Consul at 127.0.0.1:1 answers after 10m')
    await settle()
    expect(clock.pendingCount).toBe(0)
  })

  it('reports an error answer in the same way as a missing answer if a retry may succeed', async () => {
    for (const [status, text] of [
      [429, 'rate limit'],
      [500, 'No cluster leader'],
    ] as const) {
      const sent = send()
      answers.at(-1)?.resolve(response(status, text))
      await sent
      await clock.advance(1500)
      expect(said.at(-1)).toContain(`: Consul answered ${status} to GET /v1/kv/a: ${text}`)
      const good = send()
      answers.at(-1)?.resolve(response(403, 'Permission denied'))
      await good
      expect(said.at(-1)).toContain('answers after')
    }
  })

  it('reports each datacenter separately', async () => {
    const far = send('/v1/kv/a?dc=far')
    answers[0]?.reject(refused)
    await far
    const near = send()
    answers[1]?.resolve(response(200))
    await near
    await clock.advance(1500)
    expect(said).toHaveLength(1)
  })

  it('reports nothing about a cancelled request', async () => {
    const stop = new AbortController()
    const sent = send('/v1/kv/a', stop.signal)
    stop.abort()
    answers[0]?.reject(stop.signal.reason)
    await sent
    await clock.advance(100_000)
    expect(said).toEqual([])
  })

  it('reports an error that waiting cannot fix, unless an earlier request for the same path succeeded', async () => {
    const denied = async (path: string): Promise<void> => {
      const sent = send(path)
      answers.at(-1)?.resolve(response(403, 'Permission denied'))
      await sent
    }
    await denied('/v1/kv/a')
    expect(hopeless).toHaveLength(1)
    const good = send('/v1/kv/b')
    answers.at(-1)?.resolve(response(200))
    await good
    await denied('/v1/kv/b')
    expect(hopeless).toHaveLength(1)
  })

  it('reports no waiting after an error that waiting cannot fix, but reports when the request succeeds later', async () => {
    const ask = async (path: string, ...answer: Parameters<typeof response>): Promise<void> => {
      const sent = send(path)
      answers.at(-1)?.resolve(response(...answer))
      await sent
    }
    await ask('/v1/kv/a', 200)
    await ask('/v1/kv/a?dc=dc9', 500, 'No path to datacenter')
    await clock.advance(100_000)
    expect(said).toEqual([])
    await ask('/v1/kv/a?dc=dc9', 200)
    expect(said).toEqual(['Consul at 127.0.0.1:1 answers /v1/kv/a?dc=dc9 now'])
  })

  it('reports no waiting after a failed write if waiting cannot fix the error and Consul has never answered', async () => {
    const put = async (): Promise<void> => {
      const sent = transport.send({method: 'PUT', path: '/v1/txn', timeoutMs: 15_000, plane: 'control'})
      answers.at(-1)?.reject(new TransportError('BATON_TLS', 'TLS failed'))
      await sent.catch(() => undefined)
    }
    await put()
    await clock.advance(10_000)
    expect(said).toEqual([])
    const good = send('/v1/kv/a')
    answers.at(-1)?.resolve(response(200))
    await good
    await put()
    await clock.advance(2000)
    expect(said).toHaveLength(1)
  })

  it('leaves a refused write to the caller that sent it', async () => {
    const probe = transport.send({method: 'PUT', path: '/v1/txn', timeoutMs: 15_000, plane: 'control'})
    answers[0]?.resolve(response(403, 'ACL not found'))
    await probe
    expect(hopeless).toEqual([])
  })

  it('leaves no timer running after it is disposed', async () => {
    void send()
    await transport[Symbol.asyncDispose]()
    expect(clock.pendingCount).toBe(0)
  })
})
