import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {readStatuses} from '../../../src/exec/responder/status.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {expectNothingLeft, followRun, foreign, openFolder, ours, startResponder} from './support.js'

describe.each(backends)('a responder on $name', backend => {
  const agent = sharedAgent(backend)

  it('writes its state and its metrics at each renewal of its health check, and removes both when it stops', async () => {
    await using folder = await openFolder()
    await using client = createClient({address: agent.address})
    const metricsFile = join(folder.path, 'baton.prom')
    const exec = async (key: typeof ours): Promise<string> => {
      const initiator = createInitiator(client, {keys: [key.key], via: 'native', ackTimeoutMs: 20_000})
      await using run = await initiator.run({command: {kind: 'argv', argv: ['true']}}, {names: ['s1']})
      return (await followRun(run)).outcomes['s1'] ?? ''
    }
    {
      await using _open = await startResponder(agent.address, {
        node: 's1',
        stateDirectory: folder.path,
        metricsFile,
        ttlMs: 600,
      })
      expect([await exec(ours), await exec(foreign)]).toEqual(['ok', 'refused'])
      const row = 'baton_responder_refusals_total{node="s1",code="unknown-key"} 1\n'
      await waitUntil(async () => (await readFile(metricsFile, 'utf8').catch(() => '')).includes(row), {
        what: 'the metrics to count the refusal',
      })
      expect(await readStatuses(folder.path)).toMatchObject([
        {node: 's1', pid: process.pid, trustedKeys: 1, running: [], jobs: {started: 1, finished: 1, refused: 1}},
      ])
    }
    expect(await readStatuses(folder.path)).toEqual([])
    await expect(readFile(metricsFile)).rejects.toThrow(/ENOENT/)
    await expectNothingLeft(client)
  })

  it('runs shell lines, programs and scripts through the configured wrapper', async () => {
    await using folder = await openFolder()
    await using client = createClient({address: agent.address})
    await using _open = await startResponder(agent.address, {
      node: 'w1',
      stateDirectory: folder.path,
      wrapper: ['env', 'WRAPPED=yes'],
    })
    const initiator = createInitiator(client, {keys: [ours.key], via: 'native', ackTimeoutMs: 20_000})
    const commands = [
      {kind: 'shell', line: 'echo $WRAPPED'},
      {kind: 'argv', argv: ['printenv', 'WRAPPED']},
      {kind: 'script', script: Buffer.from('#!/bin/sh\necho $WRAPPED\n')},
    ] as const
    for (const command of commands) {
      await using run = await initiator.run({command}, {names: ['w1']})
      expect((await followRun(run)).output).toEqual({w1: 'yes\n'})
    }
    await expectNothingLeft(client)
  })
})
