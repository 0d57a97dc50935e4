import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {InitiatorOptions} from '../../../src/exec/initiator/options.js'
import type {Policy} from '../../../src/exec/native/policy.js'
import {trustKeys} from '../../../src/exec/native/trust.js'
import {createResponder} from '../../../src/exec/responder/responder.js'
import type {JobSpec, NodeSelector} from '../../../src/exec/types.js'

const client = createClient({address: 'http://127.0.0.1:1'})
const usage = (option: string): unknown => {
  const message: unknown = expect.stringContaining(option)
  return expect.objectContaining({code: 'BATON_USAGE', message}) as unknown
}
const bad = [Number.NaN, -1, '5s', null, 1e20] as unknown as number[]

describe('remote execution, before it sends any request', () => {
  it.each(bad)('refuses a duration or a size of %o', async value => {
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

  it.each([
    {shell: true},
    {max_timeout: 1000},
    {canUseShell: 'yes'},
    {allowedCommands: [[]]},
    {maxTimeoutMs: 0},
    {requiredSignatures: 0},
  ])('refuses the policy %j', policy => {
    const unsignedPolicy = policy as Policy
    const options = {trust: trustKeys([]), stateDirectory: '/tmp', unsignedPolicy}
    expect(() => createResponder(client, options)).toThrow(usage(Object.keys(policy)[0] ?? ''))
  })

  it.each([
    [{via: 'ssh'}, 'via'],
    [{keys: 'deploy'}, 'keys'],
    [{isUnsigned: 1}, 'isUnsigned'],
  ])('refuses the options %j of createInitiator', (options, name) => {
    expect(() => createInitiator(client, options as InitiatorOptions)).toThrow(usage(name))
  })

  it.each([
    [{}, {}, 'command'],
    [{command: {kind: 'perl'}}, {}, 'kind'],
    [{command: {kind: 'shell'}}, {}, 'line'],
    [{command: {kind: 'script', script: 'ls'}}, {}, 'script'],
    [{command: {kind: 'shell', line: 'true'}}, {node: 1}, 'node'],
  ])('refuses the job %j with the selector %j', async (job, selector, name) => {
    const running = createInitiator(client).run(job as unknown as JobSpec, selector as NodeSelector)
    await expect(running).rejects.toEqual(usage(name))
  })

  it.each([[[]], [['']], [['', 'x']]])('refuses the command %j, which has no program', async argv => {
    const command = {kind: 'argv', argv} as const
    await expect(createInitiator(client).run({command})).rejects.toEqual(usage('the name of the program is empty'))
  })
})
