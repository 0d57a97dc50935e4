import {expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {runCli} from '../kit/run-cli.js'
import {runInProcess} from '../kit/run-in-process.js'

const agent = sharedAgent(backends[0]!)

it.each([
  {words: ['help', 'kv', 'get']},
  {words: ['kv']},
  {words: ['kv', 'gte', 'x']},
  {words: ['lock', '--limit=x', 'k', 'true']},
  {words: ['exec', '--json', '--node=(', 'true']},
  {words: ['replicate', '--once', 'a@dc1']},
  {words: ['kv', 'put', 'a', '-'], input: Buffer.from([0, 255, 10])},
  {words: ['kv', 'get', 'a']},
  {words: ['kv', 'get', 'nope'], env: {BATON_LOG_LEVEL: 'debug', BATON_LOG_FORMAT: 'text'}},
  {words: ['watch', 'key', 'a', '--once', '--print-config'], env: {BATON_QUIET: '1'}},
  {words: ['kv', 'get', 'a', '--http-addr', '127.0.0.1:1']},
])(
  "a command prints and returns the same in a test's own process as in a separate process: $words",
  async ({words, ...more}) => {
    const own = await runCli(words, {agent, ...more})
    const {stdoutBytes, stderr, exitCode} = await runInProcess(words, {agent, ...more})
    const changing = /^\S+Z? |\d+ms|ms=\d+/gm
    expect({stdoutBytes, exitCode, stderr: stderr.replaceAll(changing, '')}).toEqual({
      stdoutBytes: own.stdoutBytes,
      exitCode: own.exitCode,
      stderr: own.stderr.replaceAll(changing, ''),
    })
  },
)
