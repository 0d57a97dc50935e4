import {once} from 'node:events'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {runInProcess} from '../kit/run-in-process.js'

let server: Server
let address: string
beforeAll(async () => {
  server = createServer((_request, response) => response.writeHead(404).end('<h1>not found</h1>'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

describe('a server that is not a Consul agent and answers 404', () => {
  it.each([
    ['lock', 'k', '--', 'true'],
    ['exec', '--', 'true'],
    ['event', 'fire', 'deploy'],
    ['event', 'list'],
    ['kv', 'get', 'k'],
    ['kv', 'ls'],
    ['kv', 'put', 'k', 'v'],
    ['kv', 'delete', 'k'],
    ['kv', 'export'],
    ['watch', 'key', 'k', '--once', '--', 'true'],
    ['discover', 'k', '--once'],
    ['replicate', 'a/@dc1', '--once'],
    ['doctor'],
  ])('makes a command exit with 69 and print one line with the reason: baton %s %s', async (...args) => {
    const {exitCode, stdout, stderr} = await runInProcess(args, {env: {CONSUL_HTTP_ADDR: address}})
    expect({exitCode, stdout: args[0] === 'doctor' ? '' : stdout}).toEqual({exitCode: 69, stdout: ''})
    expect(args[0] === 'doctor' ? stdout : stderr).toMatch(/not Consul's|not a Consul/)
    if (args[0] !== 'doctor') expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
