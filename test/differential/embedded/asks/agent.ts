import fc from 'fast-check'
import {type Asks, get, put} from './ask.js'

/**
 * A check that neither agent runs during the test, because its first run is at a random time within ten
 * hours.
 */
const tcp = {TCP: '127.0.0.1:1', Interval: '10000h'}

const serviceWrites: Asks = fc.oneof(
  fc
    .tuple(
      fc.constantFrom<unknown>(
        {Name: '{p}-local', Check: {TTL: '30s'}},
        {Name: '{p}-local', ID: '{p}-l2', Tags: ['t'], Port: 9},
        {
          Name: '{p}-local',
          ID: '{p}-l2',
          Address: '10.1.1.1',
          Meta: {a: 'b', c: 'd'},
          Weights: {Passing: 2, Warning: 1},
        },
        {Name: '', ID: 'x'},
        {Name: '{p}-local', Check: {TTL: '30s', Status: 'passing'}},
        {
          Name: '{p}-local',
          Checks: [
            {TTL: '1h', Status: 'passing'},
            {Name: 'tcp', ...tcp},
          ],
        },
        {Name: '{p}-local', Checks: [{CheckID: '{p}-c', TTL: '1h', Status: 'warning'}], EnableTagOverride: true},
        {Name: '{p}-local', TaggedAddresses: {lan: {Address: '10.3.3.3', Port: 7}}, Address: 'host.example'},
        {Name: '{p}-local', Weights: {Passing: 0, Warning: 1}},
        {Name: '{p}-local', Check: {TTL: '1h', HTTP: 'http://127.0.0.1:1'}},
        {Name: '{p}-local', Check: {TTL: '1h', Status: 'nope'}},
      ),
      fc.constantFrom('', '', '', '?replace-existing-checks', '?replace-existing-checks=true', '?ns=x'),
    )
    .map(([body, query]) => put(`agent/service/register${query}`, body)),
  fc
    .constantFrom(
      ...['service/maintenance/{p}-local?enable=true&reason=r', 'service/maintenance/{p}-local?enable=false'],
      ...['service/maintenance/{p}-none?enable=true', 'service/maintenance/{p}-local'],
      ...['maintenance?enable=true&reason=m', 'maintenance?enable=false', 'maintenance?enable=x'],
      ...['service/deregister/{p}-local', 'service/deregister/{p}-l2', 'service/deregister/{p}-none'],
    )
    .map(path => put(`agent/${path}`)),
)

const checkWrites: Asks = fc.oneof(
  fc
    .constantFrom<unknown>(
      {ID: '{p}-c', Name: 'c', TTL: '1h'},
      {ID: '{p}-c', Name: 'c', TTL: '1h', Status: 'passing', Notes: 'n'},
      {ID: '{p}-c', Name: 'c', ServiceID: '{p}-local', TTL: '1h'},
      {ID: '{p}-c', Name: 'c', ServiceID: '{p}-none', TTL: '1h'},
      {ID: '{p}-c', Name: 'c'},
      {ID: '{p}-c', Name: 'c', TTL: '1h', Status: 'nope'},
      {ID: '{p}-c', Name: 'c', ...tcp, Status: 'passing'},
      {ID: '{p}-c', Name: 'c', HTTP: 'http://127.0.0.1:1/', Interval: '10000h', Header: {a: ['b']}},
      {ID: '{p}-c', Name: 'c', TCP: '127.0.0.1:1'},
      {ID: '{p}-c', Name: 'c', TTL: '1h', Interval: '1h'},
    )
    .map(body => put('agent/check/register', body)),
  fc
    .constantFrom(
      ...['pass/service:{p}-local?note=fine', 'pass/service:{p}-local?note=better', 'warn/service:{p}-local'],
      ...['fail/service:{p}-local', 'fail/none', 'pass/{p}-c', 'warn/{p}-c?note=w', 'pass/service:{p}-local:1'],
      ...['deregister/{p}-c', 'deregister/service:{p}-local', 'deregister/{p}-none'],
    )
    .map(path => put(`agent/check/${path}`)),
  fc
    .tuple(
      fc.constantFrom('service:{p}-local', '{p}-c', 'none'),
      fc.constantFrom<unknown>({Status: 'passing', Output: 'o'}, {Status: 'critical'}, {Status: 'nope'}, {}),
    )
    .map(([id, body]) => put(`agent/check/update/${id}`, body)),
)

export const agentWrites: Asks = fc.oneof({weight: 3, arbitrary: serviceWrites}, {weight: 2, arbitrary: checkWrites})

export const agentReads: Asks = fc
  .constantFrom(
    ...['agent/services', 'agent/checks', 'agent/service/{p}-local', 'agent/service/{p}-l2'],
    ...['health/checks/{p}-local', 'health/service/{p}-local', 'catalog/service/{p}-local', 'health/node/{node}'],
    ...[
      'agent/health/service/id/{p}-local',
      'agent/health/service/name/{p}-local',
      'agent/checks?filter=Status==passing',
    ],
    ...[
      'agent/health/service/name/{p}-local?format=text',
      'agent/services?filter=Port==9',
      'health/service/{p}-local?passing',
    ],
  )
  .map(get)
