// Records what consul-template renders from the templates of the corpus:
// node --import tsx test/template/record.ts PROGRAM BY [NAMES]
// PROGRAM is the path of consul-template, BY the name and version that the fixtures then state, and NAMES a pattern of
// the names of templates to record. Templates that consul-template cannot render keep their recorded results.
import {execFile} from 'node:child_process'
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {startDevAgent} from '../kit/consul-server.js'
import {type CorpusData, loadCorpusData} from './corpus-data.js'

interface Entry {
  readonly name: string
  readonly text: string
  expected?: string
  by?: string
}

const [program = 'consul-template', by = 'consul-template', names = ''] = process.argv.slice(2)
const path = 'test/integration/template/fixtures/corpus.json'
const corpus = JSON.parse(readFileSync(path, 'utf8')) as {readonly data: CorpusData; readonly templates: Entry[]}
const folder = mkdtempSync(join(tmpdir(), 'baton-record-'))
const run = promisify(execFile)

async function main(): Promise<void> {
  await using agent = await startDevAgent()
  await loadCorpusData(agent.address, corpus.data)
  const [input, output] = [join(folder, 'in'), join(folder, 'out')]
  for (const entry of corpus.templates.filter(({name}) => new RegExp(names).test(name))) {
    writeFileSync(input, entry.text)
    rmSync(output, {force: true})
    const words = ['-consul-addr', agent.address, '-template', `${input}:${output}`, '-once', '-log-level', 'err']
    try {
      await run(program, words, {
        env: {PATH: process.env['PATH'], HOME: folder, ...corpus.data.env},
        timeout: 10_000,
      })
      entry.expected = existsSync(output) ? readFileSync(output, 'utf8') : ''
      entry.by = by
    } catch (error) {
      console.error(`${entry.name}: ${String((error as {stderr?: string}).stderr ?? error)}`)
    }
  }
  writeFileSync(path, `${JSON.stringify(corpus, null, 2)}\n`)
}

await main()
rmSync(folder, {recursive: true, force: true})
