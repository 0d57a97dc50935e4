import {createInterface} from 'node:readline/promises'

/** Asks on a terminal. Resolves to true for y and yes only, and to undefined if the signal aborts or the input ends. */
export async function confirm(
  question: string,
  io: {readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream; readonly signal: AbortSignal},
): Promise<boolean | undefined> {
  const terminal = createInterface({input: io.input, output: io.output})
  try {
    const ended = new Promise<undefined>(resolve => {
      terminal.once('close', () => resolve(undefined))
    })
    const asked = terminal.question(`${question} [y/N] `, {signal: io.signal}).catch(() => undefined)
    const answer = await Promise.race([asked, ended])
    return answer === undefined ? undefined : /^\s*y(?:es)?\s*$/i.test(answer)
  } finally {
    terminal.close()
    io.input.unref()
  }
}
