import {Server} from 'node:net'
import {afterEach, describe, expect, it, vi} from 'vitest'
import type {Zone} from '../../../src/embedded/dns/resolve.js'
import {openDnsDoor} from '../../../src/embedded/dns/server.js'

const options = {host: '127.0.0.1', zone: {} as Zone, random: Math.random}

/** Makes TCP refuse the first ports, as if other programs used them. */
function refusePorts(count: number): {readonly asked: number[]} {
  const {listen} = Server.prototype as {listen: (...args: unknown[]) => Server}
  const asked: number[] = []
  vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
    asked.push((args[0] as {port: number}).port)
    if (asked.length > count) return listen.apply(this, args)
    process.nextTick(() => this.emit('error', Object.assign(new Error('in use'), {code: 'EADDRINUSE'})))
    return this
  })
  return {asked}
}

describe('the port of the DNS server', () => {
  afterEach(() => vi.restoreAllMocks())

  it('is another one if port 0 is given and the first free UDP ports are in use for TCP', async () => {
    const {asked} = refusePorts(2)
    await using door = await openDnsDoor({...options, port: 0})
    expect(asked).toHaveLength(3)
    expect(door.port).toBe(asked[2])
  })

  it('is never replaced if a number is given', async () => {
    const free = await openDnsDoor({...options, port: 0})
    await free[Symbol.asyncDispose]()
    const {port} = free
    const {asked} = refusePorts(1)
    await expect(openDnsDoor({...options, port})).rejects.toMatchObject({code: 'EADDRINUSE'})
    expect(asked).toEqual([port])
  })
})
