import {createHash, randomBytes} from 'node:crypto'
import {writeFile} from 'node:fs/promises'
import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {expectNothingLeft, ours} from '../../integration/exec/support.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import type {CommandHandle} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'
import {openFleet} from './fleet.js'

/** A script that ends differently on each node. */
const script = `#!/bin/sh
cd "$DIRECTORY"
case $BATON_EXEC_NODE in
  ok) echo fine ;;
  three) exit 3 ;;
  large) cat large ;;
  *) echo $$ >>"$BATON_EXEC_NODE"; exec sleep 600 ;;
esac
`
const names = ['ok', 'three', 'stopped', 'frozen', 'killed', 'large', 'stranger'] as const

describe.each(backends)('a job that ends differently on each node, on $name', backend => {
  const agent = sharedAgent(backend)

  it('ends soon after its timeout, and reports the right outcome and all output of each node', async () => {
    await using fleet = await openFleet(agent.address)
    await using client = createClient({address: agent.address})
    const large = randomBytes(20 * 1024 * 1024)
    await writeFile(`${fleet.path}/large`, large)
    const handles = new Map<string, CommandHandle>()
    for (const name of names) handles.set(name, await fleet.start(name, {isStranger: name === 'stranger'}))
    handles.get('stopped')?.kill('SIGSTOP')

    const initiator = createInitiator(client, {keys: [ours.key], via: 'native', maxOutputBytes: Infinity})
    const job = {
      command: {kind: 'script' as const, script: Buffer.from(script.replace('"$DIRECTORY"', `'${fleet.path}'`))},
      timeoutMs: 20_000,
    }
    await using run = await initiator.run(job, {names})
    const hash = createHash('sha256')
    let received = 0
    const reading = (async () => {
      for await (const event of run) {
        if (event.type !== 'output' || event.node !== 'large') continue
        hash.update(event.chunk)
        received += event.chunk.length
      }
    })()
    for (const [name, signal] of [
      ['frozen', 'SIGSTOP'],
      ['killed', 'SIGKILL'],
    ] as const) {
      await waitUntil(() => fleet.lines(name).length === 1, {what: `${name} to run the job`})
      handles.get(name)?.kill(signal)
    }
    await reading
    const {nodes} = await run.summary
    expect(Object.fromEntries(nodes.map(({node, outcome}) => [node, outcome]))).toEqual({
      ok: {type: 'ok'},
      three: {type: 'failed', code: 3},
      stopped: {type: 'no-answer', reason: 'no ack within 5s'},
      frozen: {
        type: 'lost',
        reason: expect.stringContaining('nothing heard for 3s after the timeout of 20s') as string,
      },
      killed: {type: 'lost', reason: expect.stringContaining('nothing heard') as string},
      large: {type: 'ok'},
      stranger: {type: 'refused', code: 'unknown-key', reason: expect.any(String) as string},
    })
    expect(received).toBe(large.length)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(large).digest('hex'))
    for (const name of ['stopped', 'frozen']) handles.get(name)?.kill('SIGCONT')
    await expectNothingLeft(client)
    expect(fleet.lines('stopped')).toEqual([])
  })
})
