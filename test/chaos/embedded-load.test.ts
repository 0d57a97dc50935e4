import {type ChildProcess, fork} from 'node:child_process'
import {once} from 'node:events'
import {Agent, request as httpRequest} from 'node:http'
import {connect, type Socket} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {waitUntil} from '../kit/wait-until.js'

interface Probe {
  readonly longestMs: number
  readonly parked: number
  readonly wakeUps: number
}

const keys = 100_000
const longestStretchMs = 50
const attempts = 3

describe('the embedded agent under load', () => {
  let child: ChildProcess
  let address: string
  const connections = new Agent({keepAlive: true, maxSockets: 2000})

  beforeAll(async () => {
    const script = fileURLToPath(new URL('embedded-loop-probe.ts', import.meta.url))
    child = fork(script, [String(keys)], {execArgv: ['--import', 'tsx']})
    const [first] = (await once(child, 'message')) as [{address: string}]
    address = first.address
  })
  afterAll(() => {
    connections.destroy()
    child.disconnect()
  })

  const probe = async (): Promise<Probe> => {
    child.send('probe')
    const [facts] = (await once(child, 'message')) as [Probe]
    return facts
  }

  const ask = (method: string, path: string, body?: string): Promise<{length: number; index: string}> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(address + path, {method, agent: connections}, response => {
        let length = 0
        response.on('data', (chunk: Buffer) => (length += chunk.length))
        response.on('error', reject)
        response.on('end', () => resolve({length, index: String(response.headers['x-consul-index'])}))
      })
      request.on('error', reject)
      request.end(body)
    })

  /**
   * Measures the longest time for which the event loop is blocked. Returns the shortest of several measurements,
   * because a garbage collection does not affect all of them.
   */
  async function stretch(act: () => Promise<unknown>): Promise<number> {
    const seen: number[] = []
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      await probe()
      await act()
      seen.push((await probe()).longestMs)
    }
    return Math.min(...seen)
  }

  it.each(['?recurse', '?keys', '?keys&separator=/'])(
    `lists ${keys} keys with %s without blocking the event loop`,
    async mode => {
      const ms = await stretch(() => ask('GET', `/v1/kv/big/${mode}`))
      expect(ms).toBeLessThan(longestStretchMs)
      expect((await ask('GET', `/v1/kv/big/${mode}`)).length).toBeGreaterThan(mode.includes('separator') ? 5 : keys)
    },
  )

  it(`answers five blocking queries for ${keys} keys without blocking the event loop`, async () => {
    let value = 0
    const ms = await stretch(async () => {
      const {index} = await ask('GET', '/v1/kv/big/?recurse')
      const parked = Array.from({length: 5}, () => ask('GET', `/v1/kv/big/?recurse&index=${index}&wait=60s`))
      await waitUntil(async () => (await probe()).parked === 5, {what: 'five parked queries'})
      await ask('PUT', '/v1/kv/big/000001', String((value += 1)))
      await Promise.all(parked)
    })
    expect(ms).toBeLessThan(longestStretchMs)
  })

  it('answers only one of 1,000 blocking queries on different keys when one key is written', async () => {
    const before = await probe()
    const {index} = await ask('GET', '/v1/kv/each/0')
    const woken: number[] = []
    for (let at = 0; at < 1000; at += 1) {
      void ask('GET', `/v1/kv/each/${at}?index=${index}&wait=5m`).then(
        () => woken.push(at),
        () => undefined,
      )
    }
    await waitUntil(async () => (await probe()).parked === 1000, {what: '1,000 parked queries', timeoutMs: 30_000})
    await ask('PUT', '/v1/kv/each/77', 'v')
    await waitUntil(() => woken.length > 0, {what: 'the woken query'})
    const after = await probe()
    expect({woken, wakeUps: after.wakeUps - before.wakeUps, parked: after.parked}).toEqual({
      woken: [77],
      wakeUps: 1,
      parked: 999,
    })
    connections.destroy()
    await waitUntil(async () => (await probe()).parked === 0, {what: 'queries of closed connections to be forgotten'})
  })

  it('answers other clients despite malformed requests, oversized bodies, and requests that never end', async () => {
    const {hostname, port} = new URL(address)
    const sockets: Socket[] = []
    const open = (text: string): void => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      socket.write(text)
      sockets.push(socket)
    }
    for (let at = 0; at < 50; at += 1) {
      open('\x00\xff garbage\r\n\r\n')
      open('PUT /v1/kv/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf')
      open('GET /v1/kv/slow HTTP/1.1\r\nHost')
      open('PUT /v1/txn HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n')
      open(`PUT /v1/kv/big HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n${'x'.repeat(10_000)}`)
    }
    await sleep(100)
    const refused = await fetch(`${address}/v1/kv/huge`, {method: 'PUT', body: 'x'.repeat(600_000)})
    expect(refused.status).toBe(413)
    expect((await fetch(`${address}/v1/txn`, {method: 'PUT', body: '['.repeat(200_000)})).status).toBe(400)
    expect((await fetch(`${address}/v1/kv/${'k'.repeat(30_000)}`)).status).toBe(404)
    for (const socket of sockets) socket.destroy()
    expect((await fetch(`${address}/v1/status/leader`)).status).toBe(200)
  })

  it('deletes all keys with one request without blocking the event loop', async () => {
    await probe()
    await ask('DELETE', '/v1/kv/big/?recurse')
    expect((await probe()).longestMs).toBeLessThan(2 * longestStretchMs)
    expect((await fetch(`${address}/v1/kv/big/?recurse`)).status).toBe(404)
  })
})

describe('10,000 connections', () => {
  it('do not crash the embedded agent', async () => {
    const script = fileURLToPath(new URL('embedded-loop-probe.ts', import.meta.url))
    const child = fork(script, ['10'], {execArgv: ['--import', 'tsx']})
    const sockets: Socket[] = []
    try {
      const [{address}] = (await once(child, 'message')) as [{address: string}]
      const {hostname, port} = new URL(address)
      for (let at = 0; at < 10_000; at += 1) {
        const socket = connect(Number(port), hostname)
        // A system with a low limit on file descriptors refuses some of the connections.
        socket.on('error', () => undefined)
        sockets.push(socket)
        if (at % 500 === 499) await sleep(20)
      }
      await waitUntil(() => sockets.every(socket => !socket.connecting), {what: 'the connections', timeoutMs: 30_000})
      for (const socket of sockets.splice(0, 500)) socket.destroy()
      const answer = await waitUntil(() => fetch(`${address}/v1/status/leader`), {what: 'an answer', timeoutMs: 30_000})
      expect(answer.status).toBe(200)
      expect(child.exitCode).toBeNull()
    } finally {
      for (const socket of sockets) socket.destroy()
      child.disconnect()
    }
  })
})
