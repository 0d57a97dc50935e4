import {writeFileSync} from 'node:fs'
import {cases} from './cases.js'
import {askGo} from './oracle.js'
import {plain} from './ours.js'

// Writes the results of real Go for the cases in cases.ts into the fixture that the unit tests read:
// node --import tsx test/gotemplate/record.ts
const answers = askGo(cases)
const lines = cases.map((given, i) => {
  const {output = '', error = ''} = answers[i] ?? {}
  return JSON.stringify(error === '' ? {...given, output: plain(output)} : {...given, error: plain(error)})
})
const file = new URL('../unit/gotemplate/fixtures/go.json', import.meta.url)
writeFileSync(file, `[\n${lines.join(',\n')}\n]\n`)
console.log(`${lines.length} cases`)
