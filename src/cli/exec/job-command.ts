import {briefPath} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {inputLimitBytes, readInput, readStream, whyUnreadable} from '../../core/input.js'
import type {JobCommand} from '../../exec/types.js'
import type {ChildWords} from '../base-command.js'
import {printable} from './printable.js'

interface CommandSource {
  readonly child: ChildWords | undefined
  readonly script: string | undefined
  readonly shell: boolean
  readonly stdin: () => NodeJS.ReadableStream
}

/**
 * Returns the command of the job: a script, the arguments after `--`, or the arguments joined into one line for a
 * shell.
 */
export async function readJobCommand({child, script, shell, stdin}: CommandSource): Promise<JobCommand> {
  const words = child?.words ?? []
  if (script !== undefined) {
    if (words.length > 0) throw new UsageError('exec: both a script and a command are given')
    return {kind: 'script', script: await readScript(script, stdin)}
  }
  if (words.length === 0 || (words.length === 1 && words[0] === '')) {
    throw new UsageError('Must specify a command to execute', {hint: 'for example: baton exec uptime'})
  }
  if (child?.form === 'native') return {kind: 'argv', argv: words}
  if (words.length === 1 && words[0] === '-') {
    if (!shell) throw new UsageError('Cannot configure -shell=false when reading from stdin')
    return {kind: 'script', script: await readScript('-', stdin)}
  }
  return shell ? {kind: 'shell', line: words.join(' ')} : {kind: 'argv', argv: words}
}

async function readScript(path: string, stdin: CommandSource['stdin']): Promise<Buffer> {
  try {
    return path === '-' ? await readStream(stdin(), inputLimitBytes) : await readInput(path)
  } catch (error) {
    throw new UsageError(`script: cannot read ${briefPath(path)}: ${whyUnreadable(error)}`, {cause: error})
  }
}

/** Describes the command of a job in one line: the shell line itself, or each argument as JSON. */
export function commandText(command: JobCommand): string {
  if (command.kind === 'shell') return `by $SHELL -c: ${printable(command.line)}`
  if (command.kind === 'argv') return `without a shell: ${printable(JSON.stringify(command.argv))}`
  const first = Buffer.from(command.script.subarray(0, 80)).toString('utf8').split('\n')[0] ?? ''
  return `the script (${command.script.length} bytes): ${printable(first)}`
}

/**
 * Returns baton's own flags among the words of a shell line. The user probably meant them for baton, but typed them
 * after the command.
 */
export const flagsAmongWords = (child: ChildWords | undefined, names: ReadonlySet<string>): readonly string[] =>
  child?.form === 'go' ? child.words.slice(1).filter(word => names.has(/^--?([a-z-]+)/.exec(word)?.[1] ?? '')) : []
