import {testSeed} from '../../../kit/seed.js'

/** A source of random numbers that yields the same numbers for the same seed. */
export interface Seeded {
  (): number
  readonly seed: number
  integer(below: number): number
  pick<T>(list: readonly T[]): T
}

export function seeded(what: string): Seeded {
  const seed = testSeed(what)
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return Object.assign(next, {
    seed,
    integer: (below: number) => Math.floor(next() * below),
    pick: <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T,
  })
}
