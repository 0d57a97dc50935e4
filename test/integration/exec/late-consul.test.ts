import {describe, expect, it} from 'vitest'
import type {ResponderEvent} from '../../../src/exec/responder/responder.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {openFolder, startResponder} from './support.js'

describe.each(backends)('a responder that starts before Consul, on $name', backend => {
  const agent = sharedAgent(backend)

  it.each([
    ['its agent', /^\/v1\/agent\/self/],
    ['the registration', /^\/v1\/agent\/service\/register/],
    ['the catalog', /^\/v1\/health\/service\//],
  ])('waits for %s, reports the reason, and then serves', async (_, path) => {
    await using folder = await openFolder()
    await using proxy = await HttpProxy.start(agent.address)
    const rule = proxy.on({path}, {status: 500, body: 'No known Consul servers'})
    const events: ResponderEvent[] = []
    const options = {node: 'late', stateDirectory: folder.path, observer: (event: ResponderEvent) => events.push(event)}
    const starting = startResponder(proxy.address, options)
    await waitUntil(() => events.length > 0, {what: 'the delay to be reported'})
    expect(events[0]).toEqual({type: 'start.delayed', reason: expect.stringContaining('No known Consul servers')})
    rule[Symbol.dispose]()
    await using _responder = await starting
    expect(events.at(-1)).toEqual({type: 'responder.registered', node: 'late'})
  })
})
