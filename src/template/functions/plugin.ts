import {spawnSync} from 'node:child_process'
import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {GoError, makeString} from '../../gotemplate/value/values.js'
import {define, textOf} from './define.js'
import {trimSpace} from './text.js'

/** Maximum time in milliseconds that a program may run. It is also the time limit of a whole rendering. */
const timeoutMs = 10_000
/** Maximum number of bytes that a program may print. */
const mostBytes = 16 * 1024 * 1024
/** Maximum number of characters of a failed program's output that an error contains. */
const mostShown = 400

/**
 * `plugin`: runs a program without a shell, and returns what it prints, without spaces at both ends. Empty arguments
 * are left out. Fails if the program cannot be started, exits with another code than 0, or runs for too long. The
 * process does nothing else in the meantime.
 */
export function pluginFunction(env: Readonly<Record<string, string | undefined>>): TemplateFunction {
  return define('string string...', 'string', (file, ...given) => {
    const name = textOf(file)
    if (name === '') return makeString('')
    const words = given.map(word => textOf(word).trim()).filter(word => word !== '')
    return makeString(trimSpace(run([name, ...words], env)))
  })
}

function run([file, ...words]: readonly [string, ...string[]], env: NodeJS.ProcessEnv): string {
  const {error, status, signal, stdout, stderr} = spawnSync(file, words, {
    env,
    encoding: 'utf8',
    input: '',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: mostBytes,
  })
  const refuse = (why: string): never => {
    throw new GoError(`exec ${JSON.stringify(file)}: ${why}`)
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOENT') return refuse('the program does not exist')
  if (code === 'ETIMEDOUT') return refuse(`the program did not end within ${timeoutMs / 1000} s`)
  if (code === 'ENOBUFS') return refuse(`the program printed more than ${mostBytes} bytes`)
  if (error !== undefined) return refuse(error.message)
  if (status === 0) return stdout
  const said = (stderr.trim() || stdout.trim()).slice(0, mostShown)
  return refuse(`${signal === null ? `exit code ${status}` : `killed by ${signal}`}${said === '' ? '' : `: ${said}`}`)
}
