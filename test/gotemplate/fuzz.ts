import {Generator} from './generate.js'
import {askGo} from './oracle.js'
import {type Answer, type Case, execute, plain} from './ours.js'

// Compares baton's results with Go's for templates that are made at random:
// node --import tsx test/gotemplate/fuzz.ts [COUNT] [SEED]
const count = Number(process.argv[2] ?? 10_000)
const seed = Number(process.argv[3] ?? 1)

const generator = new Generator(seed)
const cases: Case[] = Array.from({length: count}, () => ({template: generator.template()}))
const expected = askGo(cases)
let different = 0
let failed = 0
let listed = 0
for (const [i, given] of cases.entries()) {
  const wanted = expected[i]
  if (wanted === undefined) throw new Error(`Go gave no answer to template ${i}`)
  const got = safely(given)
  if (wanted.error !== '') failed += 1
  if (plain(wanted.output) === got.output && plain(wanted.error) === got.error) continue
  if (isListed(wanted)) {
    listed += 1
    continue
  }
  different += 1
  if (different <= 20) console.log(JSON.stringify({template: given.template, go: wanted, baton: got}, undefined, 1))
}
console.log(
  `${count} templates (seed ${seed}), ${failed} with an error in Go, ${listed} different as listed, ${different} different`,
)
process.exitCode = different === 0 ? 0 : 1

/**
 * True for an intended difference: a range over a number, which works in Go 1.22 and later and in baton, but not in
 * older versions of Go.
 */
function isListed(wanted: Answer): boolean {
  return /range can't iterate over (colour)?-?\d+$/.test(wanted.error)
}

function safely(given: Case): Answer {
  try {
    return execute(given)
  } catch (error) {
    return {output: '', error: `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`}
  }
}
