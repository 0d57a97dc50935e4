import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {answerRoot} from '../../../src/exec/native/layout.js'
import {trustKeys} from '../../../src/exec/native/trust.js'
import {createResponder} from '../../../src/exec/responder/responder.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {followRun, openFolder, ours} from './support.js'

const managementToken = '6a1253d2-1785-24fd-91c2-f8e78c745511'
const reads = 'agent_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'

/** The policies that the documentation recommends. */
const responderRules = (name: string): string => `${reads}
service_prefix "" { policy = "read" }
service "baton-responder" { policy = "write" }
key_prefix "baton/exec/v1/jobs/" { policy = "read" }
key "baton/exec/v1/jobs/.standing" { policy = "write" }
key_prefix "baton/exec/v1/ctl/" { policy = "read" }
key_prefix "baton/exec/v1/run/${name}/" { policy = "write" }`
const initiatorRules = `${reads}
service_prefix "" { policy = "read" }
session_prefix "" { policy = "write" }
key_prefix "baton/exec/v1/jobs/" { policy = "write" }
key_prefix "baton/exec/v1/ctl/" { policy = "write" }
key_prefix "baton/exec/v1/run/" { policy = "read" }`

describe.each(backends)('tokens with the recommended policies on $name', backend => {
  const agent = sharedAgent(backend, {managementToken})
  let folder: Awaited<ReturnType<typeof openFolder>>
  const clients: ConsulClient[] = []
  const stop = new AbortController()
  const served: Promise<void>[] = []

  async function clientFor(name: string, rules: string): Promise<ConsulClient> {
    const admin = raw(agent.address, {token: managementToken})
    await admin.ok('PUT', '/v1/acl/policy', {body: JSON.stringify({Name: name, Rules: rules})})
    const answer = await admin.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: name}]})})
    const {SecretID: token} = answer.json() as {SecretID: string}
    const client = createClient({address: agent.address, token})
    clients.push(client)
    return client
  }

  async function serve(client: ConsulClient, node: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const observer = (event: {readonly type: string}): void => {
        if (event.type === 'responder.registered') resolve()
      }
      const options = {trust: trustKeys([ours.publicFile]), stateDirectory: folder.path, node, observer}
      const serving = createResponder(client, options).serve({signal: stop.signal})
      serving.catch(reject)
      served.push(serving)
    })
  }

  beforeAll(async () => {
    folder = await openFolder()
  })
  afterAll(async () => {
    stop.abort()
    await Promise.all(served)
    await Promise.all(clients.map(client => client[Symbol.asyncDispose]()))
    await folder[Symbol.asyncDispose]()
  })

  it('suffice to run jobs, but do not let a responder write the answers of another responder', async () => {
    const one = await clientFor('one', responderRules('one'))
    const two = await clientFor('two', responderRules('two'))
    const initiator = await clientFor('initiator', initiatorRules)
    await serve(one, 'one')
    await serve(two, 'two')
    const job = {command: {kind: 'shell', line: 'echo hello'}} as const
    await using run = await createInitiator(initiator, {keys: [ours.key], ackTimeoutMs: 20_000}).run(job, {
      names: ['one', 'two'],
    })
    const forged = two.kv.put(`${answerRoot({version: 2, id: run.id, node: 'one'})}r`, Buffer.from('{"v":1}'))
    await expect(forged).rejects.toMatchObject({code: 'BATON_ACL_DENIED'})
    await expect(two.kv.put('baton/exec/v1/jobs/x', Buffer.from('{}'))).rejects.toMatchObject({
      code: 'BATON_ACL_DENIED',
    })
    const {outcomes, output, summary} = await followRun(run)
    expect(outcomes).toEqual({one: 'ok', two: 'ok'})
    expect(output).toEqual({one: 'hello\n', two: 'hello\n'})
    expect(summary.nodes.map(({isSigned}) => isSigned)).toEqual([true, true])
  })
})
