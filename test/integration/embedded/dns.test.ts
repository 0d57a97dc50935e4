import {Resolver} from 'node:dns/promises'
import {connect} from 'node:net'
import {streamDecode, streamEncode} from 'dns-packet'
import {beforeAll, describe, expect, it} from 'vitest'
import {backends, type TestAgent} from '../../kit/backend.js'
import {freePort} from '../../kit/ports.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('DNS queries to $name', backend => {
  let agent: TestAgent
  let dnsPort: number
  const resolver = new Resolver({timeout: 2000, tries: 2})
  const addresses = async (name: string): Promise<string[]> => (await resolver.resolve4(name)).toSorted()

  beforeAll(async () => {
    dnsPort = await freePort()
    agent = await backend.start({dnsPort})
    resolver.setServers([`127.0.0.1:${dnsPort}`])
    const register = (node: string, at: number, service: object, check = {}): Promise<unknown> =>
      raw(agent.address).ok('PUT', '/v1/catalog/register', {
        body: JSON.stringify({
          Node: node,
          Address: `10.202.2.${at}`,
          Service: {Service: 'hopscotch', ...service},
          ...check,
        }),
      })
    await register('web1', 211, {Port: 8084, Tags: ['prod']})
    await register('web2', 212, {Port: 8085, Tags: ['beta'], Address: '10.9.9.9'})
    const critical = {CheckID: 'c', Name: 'c', ServiceID: 'hopscotch', Status: 'critical'}
    await register('web3', 213, {Port: 8084, Tags: ['prod']}, {Check: critical})
    await waitUntil(() => addresses('web1.node.consul'), {what: 'DNS to be answered'})
    return () => agent[Symbol.asyncDispose]()
  })

  it("return the addresses of a service's instances, except critical ones", async () => {
    expect(await addresses('hopscotch.service.consul')).toEqual(['10.202.2.211', '10.9.9.9'])
    expect(await addresses('HOPSCOTCH.service.dc1.consul')).toEqual(['10.202.2.211', '10.9.9.9'])
  })

  it('select the instances of a service by tag', async () => {
    expect(await addresses('beta.hopscotch.service.consul')).toEqual(['10.9.9.9'])
    expect(await addresses('_hopscotch._prod.service.consul')).toEqual(['10.202.2.211'])
  })

  it('return the address of a node', async () => {
    expect(await addresses('web3.node.consul')).toEqual(['10.202.2.213'])
    expect(await addresses('web3.node.dc1.consul')).toEqual(['10.202.2.213'])
  })

  it('of type SRV return the port of each instance, and a name that resolves to its address', async () => {
    const records = await resolver.resolveSrv('_hopscotch._tcp.service.consul')
    const seen = await Promise.all(records.map(async ({name, port}) => [port, ...(await addresses(name))]))
    expect(seen.toSorted()).toEqual([
      [8084, '10.202.2.211'],
      [8085, '10.9.9.9'],
    ])
  })

  it.each([
    'nobody.service.consul',
    'nobody.node.consul',
    'gamma.hopscotch.service.consul',
    'hopscotch.service.dc9.consul',
  ])('report that %s does not exist', async name => {
    await expect(resolver.resolve4(name)).rejects.toMatchObject({code: expect.stringMatching(/ENOTFOUND|ESERVFAIL/)})
  })

  it('can be sent over TCP, even several on one connection, and then return all instances', async () => {
    const many = Array.from({length: 5}, (_, at) => `10.202.3.${at + 1}`)
    for (const [at, Address] of many.entries()) {
      const body = JSON.stringify({Node: `many${at}`, Address, Service: {Service: 'many'}})
      await raw(agent.address).ok('PUT', '/v1/catalog/register', {body})
    }
    const socket = connect(dnsPort, '127.0.0.1')
    const question = (id: number, name: string): Buffer =>
      streamEncode({type: 'query', id, questions: [{type: 'A', name}]})
    socket.write(question(1, 'many.service.consul'))
    socket.write(question(2, 'web3.node.consul'))
    let received = Buffer.alloc(0)
    const answers: (readonly string[])[] = []
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
        const end = 2 + received.readUInt16BE()
        const packet = streamDecode(received.subarray(0, end))
        answers.push((packet.answers ?? []).map(answer => (answer as {data: string}).data).toSorted())
        received = received.subarray(end)
      }
      if (answers.length === 2) break
    }
    expect(answers).toEqual([many, ['10.202.2.213']])
  })

  it('return no records if the name has none of the requested type', async () => {
    await expect(resolver.resolve6('web1.node.consul')).rejects.toMatchObject({code: 'ENODATA'})
  })
})
