import {request} from 'node:http'
import {describe, expect, it, onTestFinished} from 'vitest'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, contentOf, countingClient, seed} from './support.js'

/** Reads or writes a snapshot as bytes instead of text. */
function snapshot(address: string, method: 'GET' | 'PUT', body?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${address}/v1/snapshot`, {method}, answer => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        const bytesGot = Buffer.concat(chunks)
        if (answer.statusCode === 200) resolve(bytesGot)
        else reject(new Error(`${method} snapshot: ${String(answer.statusCode)} ${bytesGot.toString().slice(0, 200)}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe.each(backends)('a snapshot of Consul that is restored at the source, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})

  it('is copied within the wait time of one blocking query: old values and deleted keys return, and new keys disappear', async () => {
    const address = (dc: string): string => agent.addresses.get(dc)!
    await using reader = countingClient(address('dc2'))
    await seed(
      reader,
      'dc1',
      ['same', 'changed', 'deleted'].map(key => ({key: `snap/${key}`, value: bytes('old')})),
    )
    const saved = await snapshot(address('dc1'), 'GET')
    await seed(reader, 'dc1', [
      {key: 'snap/changed', value: bytes('new')},
      {key: 'snap/added', value: bytes('new')},
    ])
    await reader.kv.delete('snap/deleted', {datacenter: 'dc1'})
    const controller = new AbortController()
    const client = countingClient(address('dc2'))
    const replicator = createReplicator(client, {mappings: [parseMapping('snap/@dc1')], waitMs: 3000})
    const ended = (async () => {
      for await (const pass of replicator.run({signal: controller.signal})) expect(pass.held).toEqual([])
    })()
    onTestFinished(async () => {
      controller.abort()
      await ended
      await client[Symbol.asyncDispose]()
    })
    const hasKeys = (...names: string[]) =>
      waitUntil(async () => [...(await contentOf(reader, 'dc2', 'snap/')).keys()].join() === names.join(), {
        what: `the destination to hold ${names.join()}`,
        timeoutMs: 20_000,
      })
    await hasKeys('added', 'changed', 'same')
    await snapshot(address('dc1'), 'PUT', saved)
    await hasKeys('changed', 'deleted', 'same')
    expect(await contentOf(reader, 'dc2', 'snap/')).toEqual(await contentOf(reader, 'dc1', 'snap/'))
  })
})
