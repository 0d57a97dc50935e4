import {createInterface} from 'node:readline/promises'

/**
 * Asks a question on a terminal. Resolves to true only for the answers y and yes. Rejects with the signal's
 * reason if it aborts.
 */
export async function confirm(
  question: string,
  io: {readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream; readonly signal: AbortSignal},
): Promise<boolean> {
  // The terminal itself handles line editing, so that Ctrl-C arrives as a signal.
  const terminal = createInterface({input: io.input, output: io.output, terminal: false})
  try {
    const ended = new Promise<undefined>(resolve => {
      terminal.once('close', () => resolve(undefined))
    })
    const asked = terminal.question(`${question} [y/N] `, {signal: io.signal}).catch(() => undefined)
    const answer = await Promise.race([asked, ended])
    io.signal.throwIfAborted()
    return answer !== undefined && /^\s*y(?:es)?\s*$/i.test(answer)
  } finally {
    terminal.close()
    io.input.unref()
  }
}
