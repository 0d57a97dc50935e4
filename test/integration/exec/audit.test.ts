import {rmSync} from 'node:fs'
import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {SigningKey} from '../../../src/exec/native/envelope.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {followRun, foreign, openFolder, ours, startResponder} from './support.js'

describe.each(backends)('the audit log on $name', backend => {
  const agent = sharedAgent(backend)

  it('records each job that is refused, allowed, started or finished, and prevents jobs from running if it cannot be written', async () => {
    await using folder = await openFolder()
    await mkdir(join(folder.path, 'log'))
    await using client = createClient({address: agent.address})
    const auditFile = join(folder.path, 'log/audit.jsonl')
    const options = {node: 'audited', stateDirectory: join(folder.path, 'state'), auditFile}
    await using _audited = await startResponder(agent.address, options)
    const run = async (key: SigningKey, isDryRun = false): Promise<unknown> => {
      const initiator = createInitiator(client, {keys: [key], ackTimeoutMs: 20_000, via: 'native', requester: 'ada'})
      const job = {command: {kind: 'shell', line: `echo ran >>${folder.path}/ran; exit 3`}} as const
      await using started = await initiator.run(job, {names: ['audited']}, {isDryRun})
      return (await followRun(started)).summary.nodes[0]?.outcome
    }
    await run(foreign.key)
    await run(ours.key, true)
    await run(ours.key)
    const entries = await waitUntil(
      () => (folder.lines('log/audit.jsonl').length === 4 ? folder.lines('log/audit.jsonl') : undefined),
      {what: 'all lines'},
    )
    const {kid} = ours.key
    expect(entries.map(line => JSON.parse(line) as unknown)).toMatchObject([
      {verdict: 'refused', code: 'unknown-key', requester: {name: 'ada'}},
      {verdict: 'allowed', reason: expect.stringContaining(kid) as string, command: {kind: 'shell'}},
      {verdict: 'started', signers: [kid], command: {text: expect.stringContaining('echo ran') as string}},
      {verdict: 'finished', exit: 3, outputBytes: 0},
    ])
    rmSync(join(folder.path, 'log'), {recursive: true})
    expect(await run(ours.key)).toMatchObject({type: 'refused', code: 'audit-failed'})
    expect(folder.lines('ran')).toEqual(['ran'])
  })
})
