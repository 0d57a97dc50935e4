import {describe, expect, it} from 'vitest'
import {goJson} from '../../../src/core/api/go-json.js'
import {goCheck, goHealthService, goKvPair, goNode, goServices} from '../../../src/watch/go-shapes.js'

// The real `consul watch` printed the expected texts for the same state of an agent.
describe('the JSON of consul watch', () => {
  it('contains all fields of a key, and null for an empty value', () => {
    const raw = {LockIndex: 0n, Key: 'd/c', Flags: 7n, Value: null, CreateIndex: 34n, ModifyIndex: 34n}
    expect(goJson(goKvPair(raw))).toBe(
      '{"Key":"d/c","CreateIndex":34,"ModifyIndex":34,"LockIndex":0,"Flags":7,"Value":null,"Session":""}',
    )
  })

  it('contains services in the order of their names, and tags in their original order', () => {
    expect(goJson(goServices({web: ['b', 'a'], consul: []}))).toBe('{"consul":[],"web":["b","a"]}')
  })

  it('contains null for the addresses of a node that has none', () => {
    const raw = {ID: '', Node: 'ext', Address: '9.9.9.9', Datacenter: 'dc1', TaggedAddresses: null, Meta: {k: 'v'}}
    expect(goJson(goNode({...raw, CreateIndex: 41n, ModifyIndex: 41n}))).toBe(
      '{"ID":"","Node":"ext","Address":"9.9.9.9","Datacenter":"dc1","TaggedAddresses":null,"Meta":{"k":"v"},"CreateIndex":41,"ModifyIndex":41}',
    )
  })

  it('contains a complete definition of each check', () => {
    const raw = {Node: 'n', CheckID: 'c', Name: 'Serf', Status: 'passing', ServiceTags: [], Definition: {}}
    expect(goJson(goCheck({...raw, CreateIndex: 10n, ModifyIndex: 10n}))).toBe(
      '{"Node":"n","CheckID":"c","Name":"Serf","Status":"passing","Notes":"","Output":"","ServiceID":"","ServiceName":"","ServiceTags":[],"Type":"","Definition":{"Interval":"0s","Timeout":"0s","DeregisterCriticalServiceAfter":"0s","HTTP":"","Header":null,"Method":"","Body":"","TLSSkipVerify":false,"TCP":""},"CreateIndex":10,"ModifyIndex":10}',
    )
  })

  it('omits the same empty fields of a service as Go does', () => {
    const raw = {
      Node: {},
      Service: {
        ID: 'w2',
        Service: 'web2',
        Tags: ['c'],
        Meta: {Flags: 7n, b: '2', a: '1'},
        Port: 81,
        Address: '1.2.3.4',
        TaggedAddresses: {wan_ipv4: {Address: '1.2.3.4', Port: 81}, lan_ipv4: {Address: '1.2.3.4', Port: 81}},
        Weights: {Passing: 1, Warning: 1},
        EnableTagOverride: false,
        Proxy: {MeshGateway: {}, Expose: {}},
        Connect: {},
        CreateIndex: 40n,
        ModifyIndex: 40n,
      },
      Checks: [],
    }
    expect(goJson(goHealthService(raw)['Service'] ?? null)).toBe(
      '{"ID":"w2","Service":"web2","Tags":["c"],"Meta":{"Flags":"7","a":"1","b":"2"},"Port":81,"Address":"1.2.3.4","TaggedAddresses":{"lan_ipv4":{"Address":"1.2.3.4","Port":81},"wan_ipv4":{"Address":"1.2.3.4","Port":81}},"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"CreateIndex":40,"ModifyIndex":40,"Proxy":{"MeshGateway":{},"Expose":{}},"Connect":{}}',
    )
  })
})
