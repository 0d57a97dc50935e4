import {describe, expect, it} from 'vitest'
import {createReplicateRoutes} from '../../../src/replicate/http/routes.js'
import type {MappingStatus} from '../../../src/replicate/types.js'
import type {RouteCall} from '../../../src/serve/server.js'

const status = (more: Partial<MappingStatus> = {}): MappingStatus => ({
  mapping: {source: 'a"\\\n/', datacenter: 'dc1', destination: 'b/'},
  state: 'current',
  lagMs: 0,
  currentAtMs: 1_700_000_000_500,
  equalAtMs: undefined,
  index: 2n ** 60n + 1n,
  keys: 3,
  held: 2,
  refused: 0,
  hidden: 0,
  skipped: 0,
  retrying: undefined,
  passes: 5,
  failedPasses: 0,
  written: 4,
  deleted: 0,
  lastPassMs: 1.25,
  ...more,
})
async function get(path: string, statuses: readonly MappingStatus[]) {
  const routes = createReplicateRoutes({read: () => statuses, mostLagMs: 60_000})
  const reply = await routes.get(path)?.({} as RouteCall)
  return {status: reply?.status, body: String(reply?.body)}
}

describe('the HTTP pages of a replicator', () => {
  it('show figures for each mapping, with escaped names', async () => {
    const {body} = await get('/metrics', [status({lagMs: 1500})])
    const labels = '{source="a\\"\\\\\\n/",datacenter="dc1",destination="b/"}'
    for (const line of ['lag_seconds 1.5', 'held_deletes 2', 'equal_timestamp_seconds 0', 'passes_total 5']) {
      const [name, value] = line.split(' ')
      expect(body).toContain(`baton_replicate_${name}${labels} ${value}\n`)
    }
  })

  it('show the same counters if they are requested twice', async () => {
    const routes = createReplicateRoutes({read: () => [status()], mostLagMs: 60_000})
    const read = async () => String((await routes.get('/metrics')?.({} as RouteCall))?.body)
    await read()
    expect(await read()).toMatch(/written_keys_total\{.*\} 4\n/)
  })

  it('show all digits of 64-bit numbers in the state', async () => {
    const {body} = await get('/healthz', [status()])
    expect(body).toContain('"index":1152921504606846977')
    expect(body).toContain('"currentAt":"2023-11-14T22:13:20.500Z","equalAt":null')
  })

  it.each([
    [200, {}],
    [200, {state: 'retrying', lagMs: 59_000}],
    [503, {state: 'retrying', lagMs: 61_000, retrying: {part: 'source', sinceMs: 0, reason: 'refused'}}],
    [503, {state: 'starting', currentAtMs: undefined}],
  ] as const)('answer /readyz with status %i if a mapping has the state %j', async (code, more) => {
    expect(await get('/readyz', [status(), status(more)])).toMatchObject({status: code})
  })

  it('name the mapping that is not ready, with the reason', async () => {
    const {body} = await get('/readyz', [
      status({mapping: {source: 'a/', datacenter: 'dc1', destination: 'b/'}, lagMs: 61_000}),
    ])
    expect(body).toContain('a/@dc1 -> b/: 61s behind')
  })
})
