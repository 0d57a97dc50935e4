import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {trustKeys} from '../../../src/exec/native/trust.js'
import {createResponder} from '../../../src/exec/responder/responder.js'

const client = createClient({address: 'http://127.0.0.1:1'})
const usage = (option: string): unknown => {
  const message: unknown = expect.stringContaining(option)
  return expect.objectContaining({code: 'BATON_USAGE', message}) as unknown
}
const bad = [Number.NaN, -1, '5s', null, 1e20] as unknown as number[]

describe('remote execution refuses before any request', () => {
  it.each(bad)('a duration or a size of %o', async value => {
    expect(() => createInitiator(client, {ackTimeoutMs: value})).toThrow(usage('ackTimeoutMs'))
    expect(() => createInitiator(client, {killAfterMs: value})).toThrow(usage('killAfterMs'))
    expect(() => createInitiator(client, {maxOutputBytes: value})).toThrow(usage('maxOutputBytes'))
    const options = {trust: trustKeys([]), stateDirectory: '/tmp'}
    expect(() => createResponder(client, {...options, ttlMs: value})).toThrow(usage('ttlMs'))
    expect(() => createResponder(client, {...options, maxSkewMs: value})).toThrow(usage('maxSkewMs'))
    const command = {kind: 'shell', line: 'true'} as const
    await expect(createInitiator(client).run({command, timeoutMs: value})).rejects.toEqual(usage('timeoutMs'))
    await expect(createInitiator(client).run({command, heartbeatMs: value})).rejects.toEqual(usage('heartbeatMs'))
  })

  it.each([[[]], [['']], [['', 'x']]])('a command without a program: %j', async argv => {
    const command = {kind: 'argv', argv} as const
    await expect(createInitiator(client).run({command})).rejects.toEqual(usage('the name of the program is empty'))
  })
})
