import {hash} from 'node:crypto'

/**
 * The seed of a random test. Without BATON_TEST_SEED a suite runs the same way every time: what passed once for a
 * commit passes again. BATON_TEST_SEED=new looks elsewhere.
 */
export function seedOf(what: string): number {
  const given = process.env['BATON_TEST_SEED']
  if (given === undefined) return Number.parseInt(hash('sha256', what).slice(0, 7), 16)
  const seed = given === 'new' ? Date.now() % 2 ** 31 : Number(given)
  if (!Number.isInteger(seed)) throw new Error(`BATON_TEST_SEED=${given}: give a whole number, or new`)
  return seed
}

/** The seed, printed, so that a failure can be repeated. */
export function testSeed(what: string): number {
  const seed = seedOf(what)
  process.stderr.write(`${what}: BATON_TEST_SEED=${seed}\n`)
  return seed
}
