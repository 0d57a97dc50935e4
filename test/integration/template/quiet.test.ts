import {mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {runTemplates} from '../../../src/template/run.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {readIfExists} from '../../kit/read-if-exists.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-template-quiet-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))

describe.each(backends.slice(0, 1))('the settings of a single template on $name', backend => {
  const agent = sharedAgent(backend)
  const file = (name: string): string => join(folder, name)

  it('delay only the file of that template if they contain a quiet period', async () => {
    const put = (value: string): Promise<unknown> => raw(agent.address).kvPut('quiet', value)
    await put('1')
    await using client = createClient({address: agent.address})
    const stop = new AbortController()
    const spec = (name: string) => ({name, text: '{{key "quiet"}}', destination: file(name)})
    const written: string[] = []
    const run = runTemplates(client, [{...spec('slow'), quiet: {minMs: 600_000}}, spec('quick')], {
      signal: stop.signal,
      env: {},
      onEvent: event => {
        if (event.type === 'written') written.push(`${event.template.name} ${Buffer.from(event.bytes).toString()}`)
      },
    })
    await waitUntil(() => written.length === 2, {what: 'the first files'})
    await put('2')
    await waitUntil(() => written.includes('quick 2'), {what: 'the change'})
    expect([written.sort(), readIfExists(file('slow'))]).toEqual([['quick 1', 'quick 2', 'slow 1'], '1'])
    stop.abort()
    await run
  })

  it.runIf(process.getuid?.() === 0)(
    'set the owner and the group of the file, even if its content does not change',
    async () => {
      await using client = createClient({address: agent.address})
      const write = (owner: {readonly uid: number; readonly gid: number}): Promise<void> =>
        runTemplates(client, [{name: 'owned', text: 'x', destination: file('owned'), owner, mode: 0o640}], {
          signal: new AbortController().signal,
          env: {},
          once: true,
        })
      writeFileSync(file('owned'), 'x', {mode: 0o600})
      await write({uid: 1, gid: 2})
      const {uid, gid, mode} = statSync(file('owned'))
      expect([uid, gid, mode & 0o777]).toEqual([1, 2, 0o640])
      await write({uid: 3, gid: 4})
      expect(statSync(file('owned')).uid).toBe(3)
    },
  )
})
