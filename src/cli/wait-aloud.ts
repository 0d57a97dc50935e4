import type {ConsulClient} from '../core/client.js'
import type {Timer} from '../core/types.js'

const firstAfterMs = 1000
const longestPauseMs = 60_000

export interface WaitAloudOptions {
  readonly client: Pick<ConsulClient, 'address' | 'clock'>
  readonly say: (text: string) => void
  /** Why there is no answer yet, if that is known. */
  readonly reason?: () => string | undefined
}

/**
 * Resolves or rejects as `answer` does. While that takes longer than a second it says so, again at growing intervals,
 * and once when Consul has answered.
 */
export async function waitAloud<T>(answer: Promise<T>, {client, say, reason}: WaitAloudOptions): Promise<T> {
  const {address, clock} = client
  let pauseMs = firstAfterMs
  let spoken = 0
  let timer: Timer
  const speak = (): void => {
    spoken += 1
    say(`waiting for Consul: ${reason?.() ?? `${address} has not answered yet`}`)
    pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    timer = clock.timer(pauseMs, speak, {ref: false})
  }
  timer = clock.timer(pauseMs, speak, {ref: false})
  try {
    const result = await answer
    if (spoken > 0) say(`Consul at ${address} answers`)
    return result
  } finally {
    timer[Symbol.dispose]()
  }
}
