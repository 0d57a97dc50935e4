import {createHash, randomBytes} from 'node:crypto'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {JobCommand} from '../../../src/exec/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {type ExecSetup, openExecSetup, ours} from './support.js'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

describe.each(backends)('the output of a job on $name', backend => {
  const agent = sharedAgent(backend)
  let setup: ExecSetup
  let folder: ExecSetup['folder']
  let client: ConsulClient

  beforeAll(async () => {
    setup = await openExecSetup(agent.address, [{node: 'o1'}])
    ;({folder, client} = setup)
  })
  afterAll(() => setup[Symbol.asyncDispose]())

  async function outputOf(command: JobCommand): Promise<readonly Buffer[]> {
    const settings = {keys: [ours.key], ackTimeoutMs: 20_000, maxOutputBytes: Number.POSITIVE_INFINITY}
    await using run = await createInitiator(client, {...settings, via: 'native'}).run({command}, {names: ['o1']})
    const chunks: Buffer[] = []
    for await (const event of run) if (event.type === 'output') chunks.push(event.chunk)
    expect((await run.summary).verdict).toBe('ok')
    return chunks
  }

  it('arrives byte for byte if it is 10 MB long and cannot be compressed', {timeout: 60_000}, async () => {
    const path = join(folder.path, 'random')
    const bytes = randomBytes(10 * 1024 * 1024)
    writeFileSync(path, bytes)
    const arrived = Buffer.concat(await outputOf({kind: 'argv', argv: ['cat', path]}))
    expect(arrived.length).toBe(bytes.length)
    expect(sha256(arrived)).toBe(sha256(bytes))
  })

  it('arrives byte for byte if it is split within a multi-byte character', async () => {
    const text = `x${'€'.repeat(60_000)}`
    const path = join(folder.path, 'text')
    writeFileSync(path, text)
    expect(Buffer.concat(await outputOf({kind: 'argv', argv: ['cat', path]})).toString()).toBe(text)
  })

  it('arrives while the command is still writing it byte by byte', async () => {
    const chunks = await outputOf({kind: 'shell', line: 'for at in 1 2 3 4; do printf $at; sleep 0.3; done'})
    expect(Buffer.concat(chunks).toString()).toBe('1234')
    expect(chunks.length).toBeGreaterThan(1)
  })
})
