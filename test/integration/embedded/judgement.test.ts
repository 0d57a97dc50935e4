import {beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'

const noMatch = 'no match found, expected:'
const afterSelector = '"!=", ".", "==", "[", [ \\t\\r\\n] or [a-zA-Z0-9_]'
const valueStart = '"-", "0", "\\"", "`", [ \\t\\r\\n], [1-9] or [a-zA-Z]'

/** Invalid filters for the services of a node, each with Consul's reason for the refusal. */
const badFilters: readonly (readonly [string, string])[] = [
  ['Node', `1:5 (4): ${noMatch} ${afterSelector}`],
  ['Port ==', `1:8 (7): ${noMatch} ${valueStart}`],
  ['Port == 1 and', `1:14 (13): ${noMatch} [ \\t\\r\\n]`],
  ['Port == 1)', `1:10 (9): ${noMatch} ".", [ \\t\\r\\n], [0-9] or EOF`],
  ['(Port == 1)and ID == x', `1:12 (11): ${noMatch} [ \\t\\r\\n] or EOF`],
  ['(Port == 1', '1:11 (10): rule "grouping": Unmatched parentheses'],
  ['Port == 01', '1:10 (9): rule "number": Invalid number literal'],
  ['Meta["x', '1:8 (7): rule "string": Unterminated string literal\n1:6 (5): rule "index": Invalid index'],
  ['1 in 2', '1:6 (5): rule "match": Invalid selector'],
  ['Nope.a == 1', 'Selector "Nope" is not valid'],
  ['Meta.a.b == 1', 'Selector "Meta.a.b" is not valid'],
  ['Port is empty', 'Invalid match operator "Is Empty" for selector "Port"'],
  ['Tags == x', 'Invalid match operator "Equal" for selector "Tags"'],
  ['Port == x', 'Failed to coerce value "x" for selector "Port": strconv.ParseInt: parsing "x": invalid syntax'],
  ['ID matches "["', 'Failed to compile regular expression "[": error parsing regexp: missing closing ]: `[`'],
]

/** Filters for health/service, and for each whether it matches the only instance. */
const filters: readonly (readonly [string, boolean])[] = [
  ['Service.Port == 81', false],
  ['Service.Port == "0x50"', true],
  ['Service.EnableTagOverride == 0', true],
  ['Service.Meta.none matches x', true],
  ['Service.Meta.none == x', false],
  ['Service.Meta["a"] == b', true],
  ['Service.Weights.Passing == 1 and not Node.Node == x', true],
  ['Checks.Status == passing', true],
  ['Checks.Status != passing', false],
  ['Checks is empty', false],
  ['x in Service.Tags or y in Service.Tags', true],
  ['Node.Meta is empty', true],
]

const transactions: readonly (readonly [object, string | undefined])[] = [
  [{Node: {Verb: 'delete-cas', Node: {Node: 'none'}}}, 'failed to delete node "none", index is stale'],
  [{Node: {Verb: 'get', Node: {Node: 'far', ID: '5e7b0a4e-0000-4000-8000-000000000000'}}}, 'node "far" doesn\'t exist'],
  [{Service: {Verb: 'delete', Node: 'far', Service: {ID: 'x'}}}, 'Must provide service name with ID'],
  [{Service: {Verb: 'delete', Node: 'far'}}, undefined],
  [{Service: {Verb: 'set', Node: 'far'}}, 'failed inserting service: object missing primary index'],
  [{Service: {Verb: 'get', Node: 'far', Service: {Service: 'web'}}}, 'service "" on node "far" doesn\'t exist'],
  [{Service: {Verb: 'set', Node: 'far', Service: {Service: 'a', Address: '::'}}}, 'Invalid service address'],
  [{Check: {Verb: 'cas', Check: {Node: 'none', CheckID: 'x'}}}, undefined],
  [{Check: {Verb: 'get', Check: {Node: 'far', Name: 'c1'}}}, 'check "" on node "far" doesn\'t exist'],
]

const registrations: readonly (readonly [string, object, string])[] = [
  ['check', {Name: 'a', TTL: true}, 'Invalid check: TTL must be > 0 for TTL checks'],
  ['check', {Name: 'a', TTL: ''}, 'Request decode failed: time: invalid duration ""'],
  ['check', {Name: 'a', TTL: 'x', Interval: 'z', Bogus: 1}, 'Request decode failed: json: unknown field "Bogus"'],
  ['check', {Name: 'a', TTL: 'x', Interval: 'z'}, 'Request decode failed: time: invalid duration "z"'],
  ['check', {Name: 'a', TTL: '5s', AliasNode: 'n'}, 'Invalid check: TTL must be not be set for Alias checks'],
  ['service', {Name: 'a', Weights: {Passing: 70000}}, 'Invalid Weights: DNS Weight must be between 0 and 65535'],
  [
    'service',
    {Name: 'a', Meta: {'a b': 'x'}},
    "Invalid Service Meta: Couldn't load metadata pair ('a b', 'x'): Key contains invalid characters",
  ],
]

/**
 * The fields Checks and NodeChecks in a request to create a session, each with the same fields of the created session.
 */
const sessionChecks: readonly (readonly [object, object])[] = [
  [{Checks: ['own'], NodeChecks: []}, {NodeChecks: []}],
  [{Checks: ['own'], NodeChecks: null}, {NodeChecks: null}],
  [{Checks: null, NodeChecks: ['own']}, {NodeChecks: []}],
  [
    {Checks: ['own'], NodeChecks: ['serfHealth']},
    {NodeChecks: ['serfHealth'], Checks: ['own']},
  ],
  [{Checks: ['serfHealth'], NodeChecks: ['own']}, {NodeChecks: ['own']}],
]

describe.each(backends)('the HTTP API of $name', backend => {
  const agent = sharedAgent(backend)
  const send = (method: string, path: string, body?: object) =>
    raw(agent.address).request(method, path, body === undefined ? {} : {body: JSON.stringify(body)})
  const read = (path: string, filter: string) => send('GET', `/v1/${path}?filter=${encodeURIComponent(filter)}`)

  beforeAll(async () => {
    const service = {Service: 'web', Port: 80, Tags: ['x'], Meta: {a: 'b'}}
    const check = {Name: 'c1', Status: 'passing', Definition: {HTTP: 'http://x', Interval: '10s', Header: {a: ['b']}}}
    await send('PUT', '/v1/catalog/register', {Node: 'far', Address: '10.0.0.1', Service: service, Check: check})
    await send('PUT', '/v1/agent/check/register', {Name: 'own', TTL: '1h', Status: 'passing'})
  })

  it.each(badFilters)('refuses the invalid filter %s', async (filter, why) => {
    const {status, text} = await read('catalog/node-services/far', filter)
    expect({status, text}).toEqual({status: 500, text: `Failed to create boolean expression evaluator: ${why}`})
  })

  it.each(filters)('applies the filter %s', async (filter, passes) => {
    expect((await read('health/service/web', filter)).json()).toHaveLength(passes ? 1 : 0)
  })

  it('refuses an operator that does not fit the type of a field, if the agent has a check to which the filter applies', async () => {
    const {status, text} = await read('agent/checks', 'Status is empty')
    expect({status, text}).toEqual({status: 500, text: 'Invalid match operator "Is Empty" for selector "Status"'})
  })

  it.each(transactions)('applies or refuses the transaction %j as Consul does', async (operation, why) => {
    const answer = await send('PUT', '/v1/txn', [operation])
    if (why === undefined) expect(answer.json()).toMatchObject({Results: [], Errors: null})
    else expect(answer.json()).toMatchObject({Results: null, Errors: [{OpIndex: 0, What: why}]})
  })

  it.each(registrations)('refuses to register the invalid %s %j', async (kind, body, why) => {
    const {status, text} = await send('PUT', `/v1/agent/${kind}/register`, body)
    expect({status, text}).toEqual({status: 400, text: why})
  })

  it.each(sessionChecks)('stores the expected checks in a session that is created with %j', async (given, kept) => {
    const {ID} = (await send('PUT', '/v1/session/create', given)).json() as {ID: string}
    const [{Checks, NodeChecks}] = (await send('GET', `/v1/session/info/${ID}`)).json()
    expect({NodeChecks, ...(Checks && {Checks})}).toEqual(kept)
  })

  it('ignores upper and lower case in the IDs of services', async () => {
    const body = {
      Node: 'cased',
      Address: '10.0.0.2',
      Service: {ID: 'UP', Service: 'up'},
      Check: {Name: 'c', ServiceID: 'up'},
    }
    await send('PUT', '/v1/catalog/register', body)
    expect((await send('GET', '/v1/health/service/up')).json()).toMatchObject([{Checks: [{ServiceID: 'up'}]}])
    await send('PUT', '/v1/catalog/deregister', {Node: 'cased', ServiceID: 'up'})
    expect((await send('GET', '/v1/health/node/cased')).json()).toEqual([])
  })

  it('lists the checks of a node before those of its services', async () => {
    const body = {
      Node: 'ordered',
      Address: '10.0.0.3',
      Service: {Service: 'ordered'},
      Checks: ['b', 'c', 'd', 'a'].map((CheckID, at) => ({
        CheckID,
        Name: CheckID,
        ServiceID: at % 2 === 0 ? '' : 'ordered',
      })),
    }
    await send('PUT', '/v1/catalog/register', body)
    const [{Checks}] = (await send('GET', '/v1/health/service/ordered')).json() as [{Checks: {CheckID: string}[]}]
    expect(Checks.map(check => check.CheckID)).toEqual(['b', 'd', 'a', 'c'])
  })

  it('derives the type of a check from its definition', async () => {
    expect((await send('GET', '/v1/health/node/far')).json()).toMatchObject([
      {Type: 'http', Definition: {HTTP: 'http://x', Interval: '10s', Header: {a: ['b']}}},
    ])
  })
})
