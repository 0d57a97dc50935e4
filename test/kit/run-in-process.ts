import {readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {Readable, Writable} from 'node:stream'
import {fileURLToPath} from 'node:url'
import {Script} from 'node:vm'
import type {CommandHost} from '../../src/cli/base-command.js'
import {documentedExits, undocumentedExit} from './documented-exits.js'
import {type CommandOptions, type CommandResult, cleanEnv} from './run-cli.js'

export type InProcessOptions = Pick<CommandOptions, 'env' | 'agent' | 'input'>

/** What `runInProcess` saw. */
export type InProcessResult = Omit<CommandResult, 'signalName'>

type Run = (argv: readonly string[], host: CommandHost) => Promise<number>
type Wrapper = (exports: object, require: NodeJS.Require, module: object, file: string) => void

const file = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
let loaded: Run | undefined

/** Loads the built bundle as the launcher does, but only once. */
function bundle(): Run {
  if (loaded) return loaded
  const wrapper = new Script(readFileSync(file, 'latin1'), {filename: file}).runInThisContext() as Wrapper
  const module = {exports: {} as {readonly run: Run}}
  wrapper(module.exports, createRequire(file), module, file)
  loaded = module.exports.run
  return loaded
}

/** A stream that is not a terminal and keeps what is written to it. */
function collector(): {readonly stream: NodeJS.WriteStream; readonly bytes: () => Buffer} {
  const chunks: Buffer[] = []
  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return {stream: stream as unknown as NodeJS.WriteStream, bytes: () => Buffer.concat(chunks)}
}

/**
 * Runs `baton ...args` from the built bundle in the test's own process, which saves the start of a process. It is for
 * commands that end by themselves and start no child: a child would write to the streams of the test. Rejects if help
 * does not name the exit code.
 */
export async function runInProcess(args: readonly string[], options: InProcessOptions = {}): Promise<InProcessResult> {
  const [stdout, stderr] = [collector(), collector()]
  const stdin = Readable.from(options.input === undefined ? [] : [Buffer.from(options.input)])
  const exitCode = await bundle()(args, {
    env: cleanEnv(options),
    stdin: stdin as unknown as NodeJS.ReadStream,
    isStdinTerminal: false,
    stdout: stdout.stream,
    stderr: stderr.stream,
  })
  const result = {
    stdout: stdout.bytes().toString(),
    stderr: stderr.bytes().toString(),
    stdoutBytes: stdout.bytes(),
    exitCode,
  }
  const wrongExit = undocumentedExit(`baton ${args.join(' ')}`, result, documentedExits(args, options.env))
  if (wrongExit) throw wrongExit
  return result
}
