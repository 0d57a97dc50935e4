import {describe, expect, it} from 'vitest'
import {compileFilter} from '../../../../src/exec/initiator/selector.js'
import {
  checkEventRoom,
  encodeRexecJob,
  encodeRexecPayload,
  jobRoot,
  packNodes,
  parseRexecKey,
} from '../../../../src/exec/rexec/wire.js'

const session = '3f2b6f60-9d4a-2a6e-5f7e-0d6a5b1c2d3e'

describe('the encoder and decoder for the protocol of consul exec', () => {
  it('encodes a job byte for byte as Consul does', () => {
    const shell = encodeRexecJob({kind: 'shell', line: 'echo hello'}, 2000)
    expect(shell.toString()).toBe('{"Command":"echo hello","Wait":2000000000}')
    const argv = encodeRexecJob({kind: 'argv', argv: ['ls', '-l']}, 2000)
    expect(argv.toString()).toBe('{"Args":["ls","-l"],"Wait":2000000000}')
    const script = encodeRexecJob({kind: 'script', script: Buffer.from('#!/bin/sh\n')}, 1000)
    expect(script.toString()).toBe('{"Script":"IyEvYmluL3NoCg==","Wait":1000000000}')
  })

  it("escapes the same characters in a job as Go's JSON encoder does", () => {
    const job = encodeRexecJob({kind: 'shell', line: 'a <b> && c'}, 2000)
    expect(job.toString()).toBe('{"Command":"a \\u003cb\\u003e \\u0026\\u0026 c","Wait":2000000000}')
  })

  it.each([0, -5, 0.0000001])(
    'replaces the heartbeat interval %s by one above 0, because agents would otherwise write without a pause',
    waitMs => {
      expect(JSON.parse(encodeRexecJob({kind: 'shell', line: 'x'}, waitMs).toString()).Wait).toBeGreaterThan(0)
    },
  )

  it('encodes the payload of an event in the same 68 bytes as Consul does', () => {
    const payload = encodeRexecPayload('_rexec', session)
    expect(payload.toString()).toBe(`{"Prefix":"_rexec","Session":"${session}"}`)
    expect(payload).toHaveLength(68)
  })

  it('removes repeated and trailing slashes from the prefix of jobs', () => {
    expect(jobRoot('a//b/', 's')).toBe('a/b/s')
  })

  it.each([
    ['n1/ack', '', {type: 'ack', node: 'n1'}],
    ['n1/exit', '44', {type: 'exit', node: 'n1', exit: {code: 44}}],
    ['n1/exit', '-1', {type: 'exit', node: 'n1', exit: {code: -1}}],
    ['n1/exit', 'rubbish', {type: 'exit', node: 'n1', exit: {code: 255}}],
    ['n1/out/0000a', '', {type: 'heartbeat', node: 'n1', seq: 10}],
    ['n1/out/100000', '', {type: 'heartbeat', node: 'n1', seq: 0x100000}],
  ])('decodes the key %s with the value %j', (rest, value, report) => {
    expect(parseRexecKey({rest, value: Buffer.from(value)})).toEqual(report)
  })

  it('decodes output byte for byte, and ignores the key of the job and unknown keys', () => {
    const value = Buffer.from([0xff, 0])
    const report = parseRexecKey({rest: 'n1/out/00000', value})
    expect(report).toEqual({type: 'output', node: 'n1', seq: 0, parts: [{stream: 'merged', chunk: value}]})
    expect(parseRexecKey({rest: 'job', value})).toBeUndefined()
    expect(parseRexecKey({rest: 'n1/other', value})).toBeUndefined()
  })

  it('refuses filters that are too long for the payload of an event', () => {
    expect(() => checkEventRoom({node: 'x'.repeat(314)}, 68)).not.toThrow()
    expect(() => checkEventRoom({node: 'x'.repeat(315)}, 68)).toThrow(/do not fit into an event/)
  })

  it('divides many nodes among several events, with each node in exactly one of them', async () => {
    const nodes = Array.from({length: 200}, (_, at) => `node-${at}.example`)
    const filters = await packNodes(nodes, 68)
    const matchers = await Promise.all(filters.map(filter => compileFilter('node', filter.node)))
    for (const filter of filters) expect(() => checkEventRoom(filter, 68)).not.toThrow()
    for (const node of nodes) expect(matchers.filter(matches => matches?.(node))).toHaveLength(1)
  })
})
