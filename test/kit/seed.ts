import {hash} from 'node:crypto'

/**
 * Returns the seed of a random test. By default, a suite uses the same seed every time, so that a commit that passed
 * once passes again. BATON_TEST_SEED=new chooses a new seed, and any other value is used as the seed.
 */
export function seedOf(what: string): number {
  const given = process.env['BATON_TEST_SEED']
  if (given === undefined) return Number.parseInt(hash('sha256', what).slice(0, 7), 16)
  const seed = given === 'new' ? Date.now() % 2 ** 31 : Number(given)
  if (!Number.isInteger(seed)) throw new Error(`BATON_TEST_SEED=${given}: give a whole number, or new`)
  return seed
}

/** Returns and prints the seed, so that a failure can be repeated. */
export function testSeed(what: string): number {
  const seed = seedOf(what)
  process.stderr.write(`${what}: BATON_TEST_SEED=${seed}\n`)
  return seed
}
