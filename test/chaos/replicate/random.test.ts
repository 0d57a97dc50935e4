import {describe, expect, it} from 'vitest'
import {startFederation} from '../../kit/consul-cluster.js'
import {consulIsInstalled} from '../../kit/consul-server.js'
import {testSeed} from '../../kit/seed.js'
import {createRandom, RandomOperations} from './random-operations.js'

const hasConsul = consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1'
/** Duration of the test in seconds. Set BATON_CHAOS_SECONDS for a long run. */
const seconds = Number(process.env['BATON_CHAOS_SECONDS'] ?? 20)

/**
 * The ways to follow a mapping: by one blocking query for each part of the prefix (without audits, which would repair
 * what these queries miss), and by one for all its keys.
 */
const ways = [
  ['in parts', ['--shard-above=0', '--audit-every=1h']],
  ['by whole lists', []],
] as const

describe.runIf(hasConsul).each(ways)(
  'replication between two datacenters, with the mapping followed %s, under random operations and kill -9',
  (way, flags) => {
    it(
      'has made source and destination equal at every check, never splits a source transaction, and leaves protected keys alone',
      async () => {
        const random = createRandom(testSeed(`random operations ${way}`))
        await using federation = await startFederation(['dc1', 'dc2'])
        await using operations = new RandomOperations(federation, random, flags)
        await operations.start()
        const endsAt = performance.now() + seconds * 1000
        while (performance.now() < endsAt) await operations.run(4000 + random(4000))
        process.stderr.write(`${JSON.stringify(operations.counts)}\n`)
        expect([...new Set(operations.problems)]).toEqual([])
        expect(operations.counts.looks).toBeGreaterThan(seconds)
      },
      seconds * 3000 + 120_000,
    )
  },
)
