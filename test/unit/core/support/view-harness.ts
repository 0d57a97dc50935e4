import {expect} from 'vitest'
import {noopLogger} from '../../../../src/core/log.js'
import type {Frame, Subscription, ViewRegistry} from '../../../../src/core/query/types.js'
import {createViewRegistry, type ViewRegistryOptions} from '../../../../src/core/query/view-registry.js'
import {FakeClock} from '../../../kit/fake-clock.js'
import type {Thing} from './list-query.js'
import type {ScriptedQuery} from './scripted-query.js'

export type Things = readonly Thing[]
export type Script = ScriptedQuery<Things, Thing>

export const openRegistry = (clock: FakeClock, options: ViewRegistryOptions = {}): ViewRegistry =>
  createViewRegistry({clock, random: () => 0.5, logger: noopLogger}, options)

/**
 * Returns one word for an element of a view's stream: `+a=1` or `-a` for a change, `[initial` and
 * `]2` around a snapshot, `!live` for a status, `?gap` for a gap.
 */
export function word(frame: Frame<Thing>): string {
  switch (frame.type) {
    case 'upsert':
      return `+${frame.item.name}=${frame.item.text}`
    case 'delete':
      return `-${frame.key}`
    case 'new-snapshot-to-follow':
      return `[${frame.reason}`
    case 'end-of-snapshot':
      return `]${frame.count}`
    case 'status':
      return `!${frame.status.state}`
    case 'gap':
      return `?${frame.afterId}`
  }
}

/** Collects the elements of a subscription's stream in the background. */
export function collect(subscription: Subscription<Things, Thing>): {
  readonly words: string[]
  readonly frames: Frame<Thing>[]
} {
  const into = {words: [] as string[], frames: [] as Frame<Thing>[]}
  const run = async (): Promise<void> => {
    for await (const frame of subscription.frames()) {
      into.frames.push(frame)
      into.words.push(word(frame))
    }
    into.words.push('end')
  }
  run().catch((error: unknown) => into.words.push(`error ${(error as Error).message}`))
  return into
}

/** Returns a function that answers the newest request and lets the rate limiter's delay pass. */
export const answering =
  (clock: FakeClock) =>
  async (script: Script, index: bigint, value: Things, facts = {}): Promise<void> => {
    expect(script.last.isOpen).toBe(true)
    script.last.answer(index, value, facts)
    await clock.advance(200)
  }
