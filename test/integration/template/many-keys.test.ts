import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {NodeTransport} from '../../../src/core/http/node-transport.js'
import {runTemplates} from '../../../src/template/run.js'
import {templateConnections} from '../../../src/template/store.js'
import type {TemplateSpec} from '../../../src/template/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const numbers = Array.from({length: 120}, (_, at) => at)
const isParkedFolder = ({path}: {readonly path: string}): boolean => /\/kv\/many\/\?.*index=/.test(path)

describe.each(backends)('templates with many keys on $name', backend => {
  const agent = sharedAgent(backend)

  it('follow the keys of a folder with a single query, and show changed, deleted and new keys', async () => {
    const consul = raw(agent.address)
    for (const at of numbers) await consul.kvPut(`many/${at}`, `v${at}`)
    await using proxy = await HttpProxy.start(agent.address)
    const transport = (options: ConstructorParameters<typeof NodeTransport>[0]): NodeTransport =>
      new NodeTransport({...options, ...templateConnections})
    await using client = createClient({address: proxy.address, transport})
    const specs = numbers.map(
      (at): TemplateSpec => ({name: `t${at}`, text: `{{key "many/${at}"}} {{keyOrDefault "many/new-${at}" "-"}}`}),
    )
    const texts = new Map<string, string>()
    const stop = new AbortController()
    const run = runTemplates(client, specs, {
      signal: stop.signal,
      env: {},
      dry: true,
      onEvent: event => {
        if (event.type === 'rendered') texts.set(event.template.name, Buffer.from(event.bytes).toString())
      },
    })
    await waitUntil(() => texts.size === numbers.length, {what: 'all templates'})
    await waitUntil(() => proxy.requests.some(isParkedFolder), {what: 'the query of the folder'})
    const before = proxy.requests.length
    for (const at of [0, 60, 119]) {
      await consul.kvPut(`many/${at}`, 'changed')
      await waitUntil(() => texts.get(`t${at}`) === 'changed -', {what: `the change of ${at}`})
    }
    await consul.kvPut('many/new-7', 'created')
    await waitUntil(() => texts.get('t7') === 'v7 created', {what: 'the new key'})
    await consul.kvDelete('many/new-7')
    await waitUntil(() => texts.get('t7') === 'v7 -', {what: 'the deletion'})
    const later = proxy.requests.slice(before)
    expect(later.filter(isParkedFolder).length).toBeGreaterThanOrEqual(3)
    stop.abort()
    await run
  })
})
