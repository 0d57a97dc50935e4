import fc from 'fast-check'
import {type Ask, type Asks, get, holder, put, slot} from './ask.js'

const body = fc.record(
  {
    Name: fc.constantFrom('', 'n'),
    TTL: fc.constantFrom('', '10s', '1h', '9s', 'x'),
    Behavior: fc.constantFrom('release', 'delete', '', 'foo'),
    LockDelay: fc.constantFrom<unknown>('0s', '5s', 5, 1500, '15', null, true),
    NodeChecks: fc.constantFrom<unknown>([], ['serfHealth'], ['nope'], ['c1'], ['c1', 'c2']),
    ServiceChecks: fc.constantFrom<unknown>([], [{ID: 'c2'}], [{ID: 'nope'}]),
    Checks: fc.constantFrom<unknown>([], ['serfHealth'], ['c1'], ['service:{p}-local']),
    Node: fc.constantFrom('{p}-n1', '{p}-N1', 'nobody'),
  },
  {requiredKeys: []},
)

/** A session that can be invalidated by checks of the first node or by a service of the agent. */
const bound = fc.oneof(
  fc.record({
    Node: fc.constant('{p}-n1'),
    Checks: fc.constantFrom(['c1'], ['c2'], ['c1', 'c2'], []),
    LockDelay: fc.constant(0),
    Behavior: fc.constantFrom('release', 'delete'),
  }),
  fc.record({
    Node: fc.constant('{p}-n1'),
    NodeChecks: fc.constantFrom(['c1'], ['c4'], []),
    ServiceChecks: fc.constantFrom([{ID: 'c2'}], [{ID: 'c2'}, {ID: 'c3'}], []),
    LockDelay: fc.constant(0),
    Behavior: fc.constantFrom('release', 'delete'),
  }),
  fc.record({
    ServiceChecks: fc.constantFrom([{ID: 'service:{p}-local'}], [{ID: '{p}-c'}]),
    LockDelay: fc.constant(0),
    Behavior: fc.constantFrom('release', 'delete'),
  }),
)
const create = (at: 0 | 1 | 2, content: unknown): Ask => ({...put('session/create', content), session: at})

export const sessionReads: Asks = fc.oneof(
  holder.map(id => get(`session/info/${id}`)),
  fc.constantFrom('list', 'node/{node}', 'node/{p}-n1', 'node/{p}-N1', 'list?stale').map(at => get(`session/${at}`)),
)

export const sessions: Asks = fc.oneof(
  {weight: 4, arbitrary: slot.map(at => create(at, {LockDelay: 0}))},
  {weight: 2, arbitrary: fc.tuple(slot, body).map(([at, content]) => create(at, content))},
  {weight: 3, arbitrary: fc.tuple(slot, bound).map(([at, content]) => create(at, content))},
  {weight: 2, arbitrary: holder.map(id => put(`session/destroy/${id}`))},
  {weight: 1, arbitrary: holder.map(id => put(`session/renew/${id}`))},
  {weight: 2, arbitrary: sessionReads},
)
