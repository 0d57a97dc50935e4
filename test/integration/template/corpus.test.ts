import {readFileSync} from 'node:fs'
import {beforeAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {runTemplates} from '../../../src/template/run.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {type CorpusData, loadCorpusData} from '../../template/corpus-data.js'

interface Entry {
  readonly name: string
  readonly text: string
  readonly expected: string
  readonly by: string
}

const {data, templates} = JSON.parse(readFileSync(new URL('fixtures/corpus.json', import.meta.url), 'utf8')) as {
  readonly data: CorpusData
  readonly templates: readonly Entry[]
}

// The expected texts were recorded from real versions of consul-template with test/template/record.ts. Each fixture
// names its version.
describe.each(backends)('templates written for consul-template on $name', backend => {
  const agent = sharedAgent(backend)
  const rendered = new Map<string, string>()

  beforeAll(async () => {
    await loadCorpusData(agent.address, data)
    await using client = createClient({address: agent.address})
    await runTemplates(client, templates, {
      signal: new AbortController().signal,
      env: data.env,
      once: true,
      timeoutMs: 20_000,
      onEvent: event => {
        if (event.type === 'rendered') rendered.set(event.template.name, Buffer.from(event.bytes).toString())
      },
    })
  })

  it.each(templates)('render the same text as in consul-template (case: $name)', ({name, expected}) => {
    expect(rendered.get(name)).toBe(expected)
  })
})
