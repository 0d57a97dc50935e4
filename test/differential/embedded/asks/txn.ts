import fc from 'fast-check'
import {type Asks, holder, index, key, put, value} from './ask.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const kvVerb = fc.constantFrom(
  ...['set', 'set', 'cas', 'lock', 'unlock', 'get', 'get-tree', 'check-index', 'check-session', 'check-not-exists'],
  ...['delete', 'delete-tree', 'delete-cas', 'SET'],
)
const onKey = fc.tuple(kvVerb, key, value, index('a'), holder).map(
  ([Verb, name, body, at, Session]) =>
    // The index is written without quotes, because a number will replace it.
    `{"KV":{"Verb":"${Verb}","Key":"{p}/${name}","Value":"${base64(body)}","Index":${at},"Session":"${Session}"}}`,
)

const verb = fc.constantFrom('set', 'set', 'cas', 'get', 'delete', 'delete-cas', 'nope')
const modifyIndex = fc.constantFrom(0, 1)
const onNode = fc
  .tuple(
    verb,
    fc.constantFrom('{p}-n1', '{p}-n2', '{p}-N1', ''),
    fc.constantFrom<object>(
      ...[{Address: '10.0.0.9'}, {Address: '10.0.0.1', Meta: {rack: '2'}}, {}],
      ...[{ID: '{u1}', Address: '10.0.0.1'}, {ID: '{u2}', Address: '10.0.0.2'}, {ID: 'nope'}],
    ),
    modifyIndex,
  )
  .map(([Verb, Node, rest, ModifyIndex]) => ({Node: {Verb, Node: {Node, ...rest, ModifyIndex}}}))
const onService = fc
  .tuple(
    verb,
    fc.constantFrom('{p}-n1', '{p}-n1', '{p}-n2', ''),
    fc.constantFrom<object>(
      {ID: 'web', Service: '{p}-web', Port: 9},
      {ID: 'web', Service: '{p}-web', Tags: ['x', 'y']},
      {ID: 'web', Service: '{p}-db', Meta: {a: 'b'}},
      {Service: '{p}-db'},
      {ID: 'only'},
    ),
    modifyIndex,
  )
  .map(([Verb, Node, service, ModifyIndex]) => ({Service: {Verb, Node, Service: {...service, ModifyIndex}}}))
const onCheck = fc
  .tuple(
    verb,
    fc.constantFrom('{p}-n1', '{p}-n1', '{p}-n2', ''),
    fc.constantFrom<object>(
      {CheckID: 'c1', Name: 'c1'},
      {CheckID: 'c2', Name: 'c2', ServiceID: 'web'},
      {Name: 'c4'},
      {CheckID: 'c1', Name: 'c1', Definition: {HTTP: 'http://127.0.0.1:1', Interval: '10s', Header: {a: ['b']}}},
    ),
    fc.constantFrom('passing', 'critical', 'warning', ''),
    modifyIndex,
  )
  .map(([Verb, Node, check, Status, ModifyIndex]) => ({Check: {Verb, Check: {Node, ...check, Status, ModifyIndex}}}))
const onCatalog = fc.oneof(onNode, onService, onCheck).map(each => JSON.stringify(each))

const operations = fc.array(fc.oneof({weight: 5, arbitrary: onKey}, {weight: 2, arbitrary: onCatalog}), {maxLength: 5})

export const transactions: Asks = fc
  .tuple(operations, fc.constantFrom('', '', '', '?dc=dc1', '?stale'))
  .map(([list, query]) => put(`txn${query}`, `[${list.join(',')}]`))
