import {describe, expect, it} from 'vitest'
import {toTargets} from '../../../src/discover/http/prometheus-sd.js'
import {createClient, openDirectory} from '../../../src/index.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('the Prometheus labels of catalog instances on $name', backend => {
  const agent = sharedAgent(backend)
  const register = (body: object): Promise<unknown> =>
    raw(agent.address).ok('PUT', '/v1/catalog/register', {body: JSON.stringify(body)})
  const shop = {
    Node: 'node.one-é',
    Address: '10.9.8.7',
    NodeMeta: {'rack-no': '7', rack_row: 'b'},
    TaggedAddresses: {lan: '10.9.8.7', wan: '198.51.100.7'},
    Service: {
      ID: 'shop/1 é',
      Service: 'shop.labels',
      Tags: ['blue', 'a,b', 'größe'],
      Port: 8080,
      Meta: {'build-id': 'x"y\n', scheme: 'https'},
      Weights: {Passing: 7, Warning: 2},
    },
  }

  it("equal those of Prometheus's own discovery, with sanitised names", async () => {
    await register(shop)
    await using client = createClient({address: agent.address})
    await using directory = await openDirectory(client, {services: ['shop.labels']})
    await waitUntil(() => directory.services().length === 1, {what: 'the instance'})
    const targets = (): ReturnType<typeof toTargets> => {
      const {services = [], labels = []} = directory.current ?? {}
      return toTargets(services.map((service, at) => ({service, labels: labels[at]})))
    }
    expect(targets()).toEqual([
      {
        targets: ['10.9.8.7:8080'],
        labels: {
          __meta_baton_uri: 'https://10.9.8.7:8080',
          __meta_baton_scheme: 'https',
          __meta_baton_path: '/',
          __meta_baton_capabilities: ',shop.labels,',
          __meta_baton_capacity_shop_labels: '1',
          __meta_baton_weight_passing: '7',
          __meta_baton_weight_warning: '2',
          __meta_consul_node: 'node.one-é',
          __meta_consul_address: '10.9.8.7',
          __meta_consul_dc: 'dc1',
          __meta_consul_service: 'shop.labels',
          __meta_consul_service_id: 'shop/1 é',
          __meta_consul_service_address: '',
          __meta_consul_service_port: '8080',
          __meta_consul_tags: ',blue,a,b,größe,',
          __meta_consul_health: 'passing',
          __meta_consul_metadata_rack_no: '7',
          __meta_consul_metadata_rack_row: 'b',
          __meta_consul_service_metadata_build_id: 'x"y\n',
          __meta_consul_service_metadata_scheme: 'https',
          __meta_consul_tagged_address_lan: '10.9.8.7',
          __meta_consul_tagged_address_wan: '198.51.100.7',
        },
      },
    ])
    const {index} = directory.current!
    await register({...shop, Service: {...shop.Service, Tags: ['green']}})
    await directory.untilNewer(index, AbortSignal.timeout(10_000))
    expect(targets()[0]?.labels).toMatchObject({__meta_consul_tags: ',green,'})
  })

  it('are missing for an instance whose address is not a host, while the other instances keep theirs', async () => {
    await register({Node: 'odd-1', Address: 'not a host', Service: {Service: 'odd', Port: 1}})
    await register({Node: 'odd-2', Address: '10.0.0.2', Service: {Service: 'odd', Port: 2}})
    await using client = createClient({address: agent.address})
    await using directory = await openDirectory(client, {services: ['odd']})
    await waitUntil(() => directory.services().length > 0, {what: 'the instance'})
    expect(directory.services().map(({uri}) => uri)).toEqual(['http://10.0.0.2:2'])
    expect(directory.status.problems.map(({message}) => message)).toEqual([
      'odd-1/odd: http://not a host:1 is not a URI with a host',
    ])
  })
})
