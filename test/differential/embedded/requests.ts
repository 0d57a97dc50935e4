import fc from 'fast-check'

/**
 * One request for both agents. `{p}` is the prefix of the run, `{s0}`…`{s2}` the sessions it created, `{i:KEY}`
 * the current ModifyIndex of a key on each agent.
 */
export interface Ask {
  readonly method: string
  readonly path: string
  readonly body?: string
  /** Stores the ID of the answer as this session. */
  readonly session?: 0 | 1 | 2
}

const key = fc.constantFrom('a', 'b', 'a/b', 'a/c', 'd/', 'ä', 'd/e f')
const prefix = fc.constantFrom('', 'a', 'a/', 'd', 'none/')
const slot = fc.constantFrom<0 | 1 | 2>(0, 1, 2)
const holder = fc.oneof(
  {weight: 8, arbitrary: slot.map(at => `{s${at}}`)},
  {weight: 1, arbitrary: fc.constantFrom('', 'nope', '11111111-2222-3333-4444-555555555555', 'z'.repeat(36))},
)
const value = fc.constantFrom('', 'v', 'w', 'longer <&> value')
const flags = fc.constantFrom('0', '7', '18446744073709551615')
const index = (name: string) => fc.constantFrom('0', '1', `{i:${name}}`)
const url = (name: string): string => `/v1/kv/{p}/${encodeURIComponent(name)}`

const get: fc.Arbitrary<Ask> = fc.oneof(
  fc.tuple(key, fc.constantFrom('', '?raw', '?consistent', '?stale', '?pretty')).map(([name, mode]) => ({
    method: 'GET',
    path: `${url(name)}${mode}`,
  })),
  fc
    .tuple(prefix, fc.constantFrom('recurse', 'keys', 'keys&separator=/', 'keys&separator=b', 'recurse&keys'))
    .map(([name, mode]) => ({method: 'GET', path: `/v1/kv/{p}/${name}?${mode}`})),
)

const write: fc.Arbitrary<Ask> = fc.oneof(
  fc.tuple(key, value, flags).map(([name, body, flag]) => ({method: 'PUT', path: `${url(name)}?flags=${flag}`, body})),
  fc.tuple(key, value).map(([name, body]) => ({method: 'PUT', path: url(name), body})),
  key.chain(name =>
    fc.tuple(value, index(name)).map(([body, at]) => ({method: 'PUT', path: `${url(name)}?cas=${at}`, body})),
  ),
  fc
    .tuple(key, value, holder, fc.constantFrom('acquire', 'acquire', 'release'))
    .map(([name, body, session, verb]) => ({method: 'PUT', path: `${url(name)}?${verb}=${session}`, body})),
)

const remove: fc.Arbitrary<Ask> = fc.oneof(
  key.map(name => ({method: 'DELETE', path: url(name)})),
  key.chain(name => index(name).map(at => ({method: 'DELETE', path: `${url(name)}?cas=${at}`}))),
  prefix.map(name => ({method: 'DELETE', path: `/v1/kv/{p}/${name}?recurse`})),
)

const sessionBody = fc.record(
  {
    Name: fc.constantFrom('', 'n'),
    TTL: fc.constantFrom('', '10s', '1h', '9s', 'x'),
    Behavior: fc.constantFrom('release', 'delete', '', 'foo'),
    LockDelay: fc.constantFrom<unknown>('0s', '5s', 5, 1500, '15', null, true),
    NodeChecks: fc.constantFrom<unknown>([], ['serfHealth'], ['nope'], ['c1'], ['c1', 'c2']),
    ServiceChecks: fc.constantFrom<unknown>([], [{ID: 'c2'}], [{ID: 'nope'}]),
    Checks: fc.constantFrom<unknown>([], ['serfHealth'], ['c1'], ['service:{p}-local']),
    Node: fc.constantFrom('{p}-n1', 'nobody'),
  },
  {requiredKeys: []},
)

const session: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 4,
    arbitrary: slot.map(at => ({method: 'PUT', path: '/v1/session/create', body: '{"LockDelay":0}', session: at})),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(slot, sessionBody).map(([at, body]) => ({
      method: 'PUT',
      path: '/v1/session/create',
      body: JSON.stringify(body),
      session: at,
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(slot, fc.constantFrom(['c1'], ['c2'], ['c1', 'c2'], []), fc.constantFrom('release', 'delete'))
      .map(([at, checks, behavior]) => ({
        method: 'PUT',
        path: '/v1/session/create',
        body: JSON.stringify({Node: '{p}-n1', Checks: checks, LockDelay: 0, Behavior: behavior}),
        session: at,
      })),
  },
  {weight: 2, arbitrary: holder.map(id => ({method: 'PUT', path: `/v1/session/destroy/${id}`}))},
  {weight: 1, arbitrary: holder.map(id => ({method: 'PUT', path: `/v1/session/renew/${id}`}))},
  {weight: 1, arbitrary: holder.map(id => ({method: 'GET', path: `/v1/session/info/${id}`}))},
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('list', 'node/{node}', 'node/{p}-n1')
      .map(at => ({method: 'GET', path: `/v1/session/${at}`})),
  },
)

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const verb = fc.constantFrom(
  ...['set', 'set', 'cas', 'lock', 'unlock', 'get', 'get-tree', 'check-index', 'check-session', 'check-not-exists'],
  ...['delete', 'delete-tree', 'delete-cas', 'SET'],
)
const operation = fc.tuple(verb, key, value, index('a'), holder).map(
  ([Verb, name, body, at, Session]) =>
    // The index is written without quotes, because it is replaced by a number.
    `{"KV":{"Verb":"${Verb}","Key":"{p}/${name}","Value":"${base64(body)}","Index":${at},"Session":"${Session}"}}`,
)
const catalogOperation = fc
  .oneof(
    fc
      .tuple(
        fc.constantFrom('set', 'cas', 'get', 'delete', 'delete-cas', 'nope'),
        fc.constantFrom('n1', 'n2'),
        fc.constantFrom<object>({Address: '10.0.0.9'}, {Address: '10.0.0.1', Meta: {rack: '2'}}, {}),
        fc.constantFrom(0, 1),
      )
      .map(([Verb, name, rest, ModifyIndex]) => ({Node: {Verb, Node: {Node: `{p}-${name}`, ...rest, ModifyIndex}}})),
    fc
      .tuple(
        fc.constantFrom('set', 'cas', 'get', 'delete', 'delete-cas', 'nope'),
        fc.constantFrom<object>(
          {ID: 'web', Service: '{p}-web', Port: 9},
          {ID: 'web', Service: '{p}-web', Tags: ['x', 'y']},
          {Service: '{p}-db'},
          {ID: 'only'},
        ),
        fc.constantFrom(0, 1),
      )
      .map(([Verb, service, ModifyIndex]) => ({Service: {Verb, Node: '{p}-n1', Service: {...service, ModifyIndex}}})),
    fc
      .tuple(
        fc.constantFrom('set', 'cas', 'get', 'delete', 'delete-cas', 'nope'),
        fc.constantFrom<object>(
          {CheckID: 'c1', Name: 'c1'},
          {CheckID: 'c2', Name: 'c2', ServiceID: 'web'},
          {Name: 'c4'},
        ),
        fc.constantFrom('passing', 'critical', 'warning', ''),
        fc.constantFrom(0, 1),
      )
      .map(([Verb, check, Status, ModifyIndex]) => ({
        Check: {Verb, Check: {Node: '{p}-n1', ...check, Status, ModifyIndex}},
      })),
  )
  .map(each => JSON.stringify(each))
const txn: fc.Arbitrary<Ask> = fc
  .array(fc.oneof({weight: 5, arbitrary: operation}, {weight: 1, arbitrary: catalogOperation}), {maxLength: 5})
  .map(operations => ({method: 'PUT', path: '/v1/txn', body: `[${operations.join(',')}]`}))

const registration = fc.record(
  {
    Node: fc.constantFrom('{p}-n1', '{p}-n1', '{p}-n2'),
    Address: fc.constantFrom('10.0.0.1', '10.0.0.1', '10.0.0.2', ''),
    SkipNodeUpdate: fc.constantFrom(true, false),
    NodeMeta: fc.constantFrom<unknown>({rack: '1'}, {rack: '2', zone: 'a'}, {}),
    TaggedAddresses: fc.constantFrom<unknown>({lan: '10.0.0.1'}, {}),
    ID: fc.constantFrom('', 'nope'),
    Service: fc.constantFrom<unknown>(
      {Service: '{p}-web', ID: 'web', Port: 80},
      {Service: '{p}-web', ID: 'web2', Tags: ['x'], Meta: {a: 'b'}},
      {Service: '{p}-web', ID: 'web', Port: 80, Weights: {Passing: 3, Warning: 1}, EnableTagOverride: true},
      {Service: '{p}-db', Address: '10.1.1.1'},
      {Service: '{p}-DB', Tags: ['X'], TaggedAddresses: {wan: {Address: '1.2.3.4', Port: 5}}},
      {ID: 'only'},
    ),
    Check: fc.constantFrom<unknown>(
      {CheckID: 'c1', Name: 'c1', Status: 'passing'},
      {CheckID: 'c1', Name: 'c1', Status: 'critical'},
      {CheckID: 'c2', Name: 'c2', Status: 'warning', ServiceID: 'web'},
      {CheckID: 'c2', Name: 'c2', Status: 'passing', ServiceID: 'web', Notes: 'n', Output: 'o'},
      {CheckID: 'c2', Name: 'c2', Status: 'critical', ServiceID: 'web2'},
      {Name: 'c4', Definition: {TCP: '127.0.0.1:1', Interval: '10s', Timeout: '1s'}},
      {Name: 'c3', ServiceID: 'nosuch'},
    ),
    Checks: fc.constantFrom<unknown>(
      [],
      [
        {CheckID: 'c1', Name: 'c1', Status: 'passing'},
        {Name: 'c4', Status: 'warning'},
      ],
      [{Node: '{p}-n2', CheckID: 'c1', Name: 'c1'}],
    ),
  },
  {requiredKeys: ['Node', 'Address']},
)
const deregistration = fc.record(
  {
    Node: fc.constantFrom('{p}-n1', '{p}-n2'),
    ServiceID: fc.constantFrom('web', 'nosuch'),
    CheckID: fc.constantFrom('c1', 'c2'),
  },
  {requiredKeys: ['Node']},
)
const catalog: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 4,
    arbitrary: registration.map(body => ({method: 'PUT', path: '/v1/catalog/register', body: JSON.stringify(body)})),
  },
  {
    weight: 1,
    arbitrary: deregistration.map(body => ({
      method: 'PUT',
      path: '/v1/catalog/deregister',
      body: JSON.stringify(body),
    })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          ...['catalog/nodes', 'catalog/services', 'catalog/node/{p}-n1', 'catalog/node-services/{p}-n1'],
          ...['catalog/service/{p}-web', 'catalog/service/{p}-DB', 'health/node/{p}-n1', 'health/checks/{p}-web'],
          ...['health/service/{p}-web', 'health/service/{p}-db', 'health/state/critical', 'health/state/any'],
          ...['health/state/warning', 'health/checks/{p}-db', 'catalog/node/{p}-n2'],
        ),
        fc.oneof(
          {weight: 4, arbitrary: fc.constant('')},
          {
            weight: 5,
            arbitrary: fc.constantFrom(
              ...['?passing', '?tag=x', '?tag=none', '?tag=x&tag=y', '?stale', '?consistent', '?near={p}-n1&stale'],
              ...['?node-meta=rack:1', '?node-meta=rack:2&node-meta=zone:a', '?node-meta=rack', '?dc=nowhere'],
              ...[
                '?filter=Meta.rack==1',
                '?filter=ServiceID==web',
                '?filter=Service.ID==web',
                '?filter=Status==passing',
              ],
              ...['?filter=nope', '?filter=Node=="{p}-n1"', '?passing=false', '?ns=x', '?cached&consistent'],
            ),
          },
        ),
      )
      .map(([path, query]) => `${path}${query}`)
      .map(path => ({method: 'GET', path: `/v1/${path}`})),
  },
)

const agent: fc.Arbitrary<Ask> = fc.oneof(
  fc
    .constantFrom<unknown>(
      {Name: '{p}-local', Check: {TTL: '30s'}},
      {Name: '{p}-local', ID: '{p}-l2', Tags: ['t'], Port: 9},
      {Name: '{p}-local', ID: '{p}-l2', Address: '10.1.1.1', Meta: {a: 'b', c: 'd'}, Weights: {Passing: 2, Warning: 1}},
      {Name: '', ID: 'x'},
      {Name: '{p}-local', Check: {TTL: '30s', Status: 'passing'}},
    )
    .map(body => ({method: 'PUT', path: '/v1/agent/service/register', body: JSON.stringify(body)})),
  fc
    .constantFrom(
      ...[
        'check/pass/service:{p}-local?note=fine',
        'check/pass/service:{p}-local?note=better',
        'check/warn/service:{p}-local',
        'check/fail/service:{p}-local',
        'check/fail/none',
        'check/deregister/{p}-c',
        'service/maintenance/{p}-local?enable=true&reason=r',
        'service/maintenance/{p}-local?enable=false',
        'service/maintenance/{p}-none?enable=true',
        'service/maintenance/{p}-local',
      ],
      ...['service/deregister/{p}-local', 'service/deregister/{p}-l2'],
    )
    .map(path => ({method: 'PUT', path: `/v1/agent/${path}`})),
  fc
    .constantFrom(
      'agent/services',
      'agent/checks',
      'agent/service/{p}-local',
      'agent/service/{p}-l2',
      'health/checks/{p}-local',
      'health/service/{p}-local',
      'catalog/service/{p}-local',
    )
    .map(path => ({method: 'GET', path: `/v1/${path}`})),
)

const agentCheck: fc.Arbitrary<Ask> = fc
  .constantFrom<unknown>(
    {ID: '{p}-c', Name: 'c', TTL: '1h'},
    {ID: '{p}-c', Name: 'c', TTL: '1h', Status: 'passing', Notes: 'n'},
    {ID: '{p}-c', Name: 'c', ServiceID: '{p}-local', TTL: '1h'},
    {ID: '{p}-c', Name: 'c', ServiceID: '{p}-none', TTL: '1h'},
    {ID: '{p}-c', Name: 'c'},
    {ID: '{p}-c', Name: 'c', TTL: '1h', Status: 'nope'},
  )
  .map(body => ({method: 'PUT', path: '/v1/agent/check/register', body: JSON.stringify(body)}))

const event: fc.Arbitrary<Ask> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('{p}-e', '{p}-f'),
      fc.constantFrom('', '?node=^{node}$', '?node=nobody', '?node=[', '?tag=x'),
      value,
    )
    .map(([name, filter, body]) => ({method: 'PUT', path: `/v1/event/fire/${name}${filter}`, body})),
  fc.constantFrom('{p}-e', '{p}-f').map(name => ({method: 'GET', path: `/v1/event/list?name=${name}`})),
)

const odd: fc.Arbitrary<Ask> = fc.constantFrom<Ask>(
  {method: 'GET', path: '/v1/catalog/datacenters?wait=x'},
  {method: 'GET', path: '/v1/catalog/datacenters?index=x&ns=x&dc=nowhere'},
  {method: 'GET', path: '/v1/kv/{p}/a?index=x'},
  {method: 'GET', path: '/v1/kv/{p}/a?wait=10'},
  {method: 'GET', path: '/v1/kv/{p}/a?dc=nowhere'},
  {method: 'GET', path: '/v1/session/list?dc=nowhere'},
  {method: 'GET', path: '/v1/kv/{p}/a?stale&consistent'},
  {method: 'GET', path: '/v1/kv/{p}//a'},
  {method: 'GET', path: '/v1/kv/{p}/../b'},
  {method: 'GET', path: '/v1/kv'},
  {method: 'POST', path: '/v1/kv/{p}/a', body: 'x'},
  {method: 'PUT', path: '/v1/kv/{p}/a?cas=0&acquire=x', body: 'x'},
  {method: 'PUT', path: '/v1/kv/{p}/a?flags=-1', body: 'x'},
  {method: 'PUT', path: '/v1/kv/{p}/a?flags=99999999999999999999', body: 'x'},
  {method: 'PUT', path: '/v1/kv/', body: 'x'},
  {method: 'PUT', path: '/v1/txn', body: '{}'},
  {method: 'PUT', path: '/v1/txn', body: '[{"KV":{"Verb":"set","Key":"k","Value":"%"}}]'},
  {method: 'PUT', path: '/v1/txn', body: '[{"Foo":{}}]'},
  {method: 'PUT', path: '/v1/session/create', body: '{"TTL":5}'},
  {method: 'PUT', path: '/v1/session/create', body: '{"TTL":'},
  {method: 'PUT', path: '/v1/catalog/register', body: '{"Nodes":1}'},
  {method: 'GET', path: '/v1/session/info/'},
  {method: 'GET', path: '/v1/health/service/x?passing=maybe'},
  {method: 'OPTIONS', path: '/v1/txn'},
  {method: 'GET', path: '/v1/agent/nope'},
)

const ask = fc.oneof(
  {weight: 20, arbitrary: write},
  {weight: 14, arbitrary: get},
  {weight: 8, arbitrary: remove},
  {weight: 14, arbitrary: session},
  {weight: 14, arbitrary: txn},
  {weight: 12, arbitrary: catalog},
  {weight: 8, arbitrary: agent},
  {weight: 3, arbitrary: agentCheck},
  {weight: 4, arbitrary: event},
  {weight: 3, arbitrary: odd},
)

/** Random conversations with an agent. */
export const conversations = fc.array(ask, {minLength: 1, maxLength: 14})
export const writes = fc.oneof(write, remove, session, txn, catalog, agent, agentCheck)
export const reads = fc.oneof(
  get,
  session.filter(({method}) => method === 'GET'),
  catalog.filter(({method}) => method === 'GET'),
  agent.filter(({method}) => method === 'GET'),
)
