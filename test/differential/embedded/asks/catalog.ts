import fc from 'fast-check'
import {type Asks, get, put} from './ask.js'

const service = fc.constantFrom<unknown>(
  {Service: '{p}-web', ID: 'web', Port: 80},
  {Service: '{p}-web', ID: 'web2', Tags: ['x'], Meta: {a: 'b'}},
  {Service: '{p}-web', ID: 'web', Port: 80, Weights: {Passing: 3, Warning: 1}, EnableTagOverride: true},
  {Service: '{p}-web', ID: 'WEB', Address: '10.2.2.2', Tags: ['x', 'y', 'x']},
  {Service: '{p}-db', Address: '10.1.1.1'},
  {Service: '{p}-DB', Tags: ['X'], TaggedAddresses: {wan: {Address: '1.2.3.4', Port: 5}}},
  {Service: '{p}-db', ID: 'web', Tags: []},
  {ID: 'only'},
  {Service: '{p}-web', Weights: {Passing: 0, Warning: 1}},
  {Service: '{p}-web', Address: '0.0.0.0'},
)
const check = fc.constantFrom<unknown>(
  {CheckID: 'c1', Name: 'c1', Status: 'passing'},
  {CheckID: 'c1', Name: 'c1', Status: 'critical'},
  {CheckID: 'c1', Name: 'c1', Status: 'odd'},
  {CheckID: 'c2', Name: 'c2', Status: 'warning', ServiceID: 'web'},
  {CheckID: 'c2', Name: 'c2', Status: 'passing', ServiceID: 'web', Notes: 'n', Output: 'o'},
  {CheckID: 'c2', Name: 'c2', Status: 'critical', ServiceID: 'web2'},
  {CheckID: 'C2', Name: 'c2', Status: 'critical', ServiceID: 'web', ServiceName: 'other'},
  {Name: 'c4', Definition: {TCP: '127.0.0.1:1', Interval: '10s', Timeout: '1s'}},
  {Name: 'c3', ServiceID: 'nosuch'},
)
const checks = fc.constantFrom<unknown>(
  [],
  [
    {CheckID: 'c1', Name: 'c1', Status: 'passing'},
    {Name: 'c4', Status: 'warning'},
  ],
  [{CheckID: 'c3', Name: 'c3', Status: 'passing', ServiceID: 'web'}, {Name: 'c1'}],
  [{Node: '{p}-n2', CheckID: 'c1', Name: 'c1'}],
  [{Node: '{p}-n1', CheckID: 'c1', Name: 'c1', Status: 'passing'}],
)
const registration = fc.record(
  {
    Node: fc.constantFrom('{p}-n1', '{p}-n1', '{p}-n1', '{p}-n2', '{p}-n2', '{p}-N1'),
    Address: fc.constantFrom('10.0.0.1', '10.0.0.1', '10.0.0.2', ''),
    SkipNodeUpdate: fc.constantFrom(true, false),
    NodeMeta: fc.constantFrom<unknown>({rack: '1'}, {rack: '2', zone: 'a'}, {}),
    TaggedAddresses: fc.constantFrom<unknown>({lan: '10.0.0.1'}, {}),
    ID: fc.constantFrom('', '{u1}', '{u1}', '{u2}', 'nope'),
    Datacenter: fc.constantFrom('dc1', 'dc1', 'nowhere'),
    Service: service,
    Check: check,
    Checks: checks,
  },
  {requiredKeys: ['Node', 'Address']},
)
const deregistration = fc.record(
  {
    Node: fc.constantFrom('{p}-n1', '{p}-n1', '{p}-n2', '{p}-N1', ''),
    ServiceID: fc.constantFrom('web', 'web2', 'nosuch'),
    CheckID: fc.constantFrom('c1', 'c2'),
    Datacenter: fc.constantFrom('dc1', 'nowhere'),
  },
  {requiredKeys: ['Node']},
)

export const catalogWrites: Asks = fc.oneof(
  {weight: 4, arbitrary: registration.map(body => put('catalog/register', body))},
  {weight: 1, arbitrary: deregistration.map(body => put('catalog/deregister', body))},
)

const path = fc.constantFrom(
  ...['catalog/nodes', 'catalog/services', 'catalog/node/{p}-n1', 'catalog/node-services/{p}-n1'],
  ...['catalog/service/{p}-web', 'catalog/service/{p}-DB', 'health/node/{p}-n1', 'health/checks/{p}-web'],
  ...['health/service/{p}-web', 'health/service/{p}-db', 'health/state/critical', 'health/state/any'],
  ...['health/state/warning', 'health/checks/{p}-db', 'catalog/node/{p}-n2', 'health/state/passing'],
  ...['health/service/{p}-WEB', 'catalog/node/{p}-N1', 'health/node/{p}-n2', 'catalog/node/{u1}'],
)
const query = fc.oneof(
  {weight: 4, arbitrary: fc.constant('')},
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      ...['?passing', '?tag=x', '?tag=none', '?tag=x&tag=y', '?stale', '?consistent', '?near={p}-n1&stale'],
      ...['?node-meta=rack:1', '?node-meta=rack:2&node-meta=zone:a', '?node-meta=rack', '?dc=nowhere', '?dc=dc1'],
      ...['?filter=Meta.rack==1', '?filter=ServiceID==web', '?filter=Service.ID==web', '?filter=Status==passing'],
      ...['?filter=nope', '?filter=Node=="{p}-n1"', '?passing=false', '?ns=x', '?cached&consistent'],
      ...['?tag=x&passing', '?passing&node-meta=rack:1', '?near=_agent', '?tag=X', '?node-meta=rack:1&stale'],
      ...['?filter=x+in+Service.Tags', '?filter=ServiceName+matches+"web$"', '?filter=Checks+is+empty'],
    ),
  },
)
export const catalogReads: Asks = fc.tuple(path, query).map(([where, how]) => get(`${where}${how}`))

export const catalog: Asks = fc.oneof({weight: 5, arbitrary: catalogWrites}, {weight: 4, arbitrary: catalogReads})
