import {describe, expect, it} from 'vitest'
import {toTargets} from '../../../../src/discover/http/prometheus-sd.js'

describe('a target for Prometheus', () => {
  it('contains the address, path and capabilities of a service', () => {
    const capabilities = [
      {name: 'resize', capacity: 23},
      {name: 'to-webp 2', capacity: 0.5},
    ]
    expect(toTargets([{service: {uri: 'https://pool04.boxworld.org/api/v2', capabilities}}])).toEqual([
      {
        targets: ['pool04.boxworld.org:443'],
        labels: {
          __meta_baton_uri: 'https://pool04.boxworld.org/api/v2',
          __meta_baton_scheme: 'https',
          __meta_baton_path: '/api/v2',
          __meta_baton_capabilities: ',resize,to-webp 2,',
          __meta_baton_capacity_resize: '23',
          __meta_baton_capacity_to_webp_2: '0.5',
        },
      },
    ])
  })

  it.each([
    ['http://a', 'a:80'],
    ['http://a:8080/', 'a:8080'],
    ['tcp://[::1]:53', '[::1]:53'],
    ['tcp://a', 'a'],
  ])('has, for the URI %s, the address %s', (uri, target) => {
    expect(toTargets([{service: {uri, capabilities: []}}])[0]?.targets).toEqual([target])
  })
})
