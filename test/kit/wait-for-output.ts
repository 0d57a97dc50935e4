import {waitUntil} from './wait-until.js'

export interface OutputWait {
  /** @default both streams */
  readonly stream?: 'stdout' | 'stderr'
  /** @default 30,000, because a command can take seconds to start on a busy machine */
  readonly timeoutMs?: number
}

/** A command and its output so far. */
interface Command {
  readonly name: string
  readonly stdout: string
  readonly stderr: string
  readonly hasEnded: boolean
}

/** Resolves with the match. Rejects at once if the command ends without it. */
export async function waitForOutput(
  command: Command,
  pattern: RegExp,
  {stream, timeoutMs = 30_000}: OutputWait = {},
): Promise<RegExpExecArray> {
  const {name} = command
  const text = (): string => (stream ? command[stream] : `${command.stdout}\n${command.stderr}`)
  const both = (): string => `stdout:\n${command.stdout}\nstderr:\n${command.stderr}`
  const fresh = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  const found = await waitUntil(() => fresh.exec(text()) ?? (command.hasEnded ? ('ended' as const) : null), {
    what: `${String(pattern)} from ${name}`,
    timeoutMs,
    detail: both,
  })
  if (found === 'ended') throw new Error(`${name}: ended without ${String(pattern)}\n${both()}`)
  return found
}
