import {describe, expect, it} from 'vitest'
import {createClient} from '../../../../src/core/client.js'
import {AnswerWriter} from '../../../../src/exec/native/answers.js'
import {generateKey} from '../../../../src/exec/native/keys.js'
import type {Manifest} from '../../../../src/exec/native/manifest.js'
import {JobWriter} from '../../../../src/exec/responder/job-writer.js'
import {FakeClock} from '../../../kit/fake-clock.js'
import {FakeTransport} from '../../../kit/fake-transport.js'

describe('a job that asks for heartbeats without a pause', () => {
  it.each([0, -1, 1])('makes a responder write at most four heartbeats a second (interval: %s)', async heartbeatMs => {
    const clock = new FakeClock()
    const transport = new FakeTransport(() => ({body: {Results: [], Errors: null}}))
    await using client = createClient({transport, clock})
    const abandon = new AbortController()
    const place = {version: 2, id: '018f0000-0000-7000-8000-000000000000', node: 'n1'}
    const answers = new AnswerWriter(place, generateKey('own', 0).key.privateKey)
    const manifest = {id: place.id, session: 's', heartbeatMs} as unknown as Manifest
    const writer = new JobWriter({client, manifest, answers, abandon: abandon.signal})
    await clock.advance(10_000)
    const written = transport.requests.length
    expect(written).toBeGreaterThan(1)
    expect(written).toBeLessThanOrEqual(40)
    const times = {startedAtMs: 0, endedAtMs: 0}
    await writer.end({code: 0, outputBytes: 0, droppedBytes: 0, ...times})
  })
})
