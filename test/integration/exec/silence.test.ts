import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {type Fault, HttpProxy} from '../../kit/http-proxy.js'
import {
  expectNothingLeft,
  type Followed,
  followRun,
  openFolder,
  ours,
  startResponder,
  type TestResponder,
} from './support.js'

const runKeys = /^\/v1\/kv\/baton\/exec\/v1\/run\//
const noLeader: Fault = {status: 500, body: 'No cluster leader'}
/** Answers as a restarted leader does that has not applied its log yet. */
const pastState: Fault = request =>
  request.path.includes('consistent')
    ? noLeader
    : {headers: {'x-consul-index': '5', 'x-consul-knownleader': 'true', 'x-consul-lastcontact': '0'}, body: []}

describe.each(backends)('nodes that only seem silent, on $name', backend => {
  const agent = sharedAgent(backend)
  let folder: Awaited<ReturnType<typeof openFolder>>
  let responder: TestResponder
  let client: ConsulClient
  let proxy: HttpProxy

  beforeAll(async () => {
    folder = await openFolder()
    responder = await startResponder(agent.address, {node: 'r1', stateDirectory: folder.path})
    proxy = await HttpProxy.start(agent.address)
    client = createClient({address: proxy.address})
  })
  afterAll(async () => {
    await client[Symbol.asyncDispose]()
    await proxy[Symbol.asyncDispose]()
    await responder[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const exec = async (line: string): Promise<Followed> => {
    const initiator = createInitiator(client, {keys: [ours.key], via: 'native', ackTimeoutMs: 300})
    await using run = await initiator.run({command: {kind: 'shell', line}})
    return await followRun(run)
  }

  it.each([
    ['cannot be read', noLeader],
    ['shows an old state', pastState],
  ])('are not reported as silent while Consul %s, and their output is read later', async (_, fault) => {
    const rule = proxy.on({path: runKeys}, fault)
    const ended = exec('echo out')
    await sleep(1000)
    rule[Symbol.dispose]()
    const {output, outcomes} = await ended
    expect({output, outcomes}).toEqual({output: {r1: 'out\n'}, outcomes: {r1: 'ok'}})
    await expectNothingLeft(client)
  })
})
