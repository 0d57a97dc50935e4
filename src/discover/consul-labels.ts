import type {ServiceInstance} from '../core/types.js'
import {labelName} from './label-name.js'
import type {Labels} from './types.js'

/**
 * Returns the labels `__meta_consul_…` that Prometheus's own discovery of Consul gives to an instance, and the
 * instance's weights. Tags are enclosed in commas, so that relabelling can match `,blue,`. If two names are equal after
 * being sanitised, the last one counts.
 */
export function consulLabels(instance: ServiceInstance): Labels {
  const {node, weights} = instance
  return {
    __meta_consul_node: node.node,
    __meta_consul_address: node.address,
    __meta_consul_dc: node.datacenter,
    __meta_consul_service: instance.serviceName,
    __meta_consul_service_id: instance.serviceId,
    __meta_consul_service_address: instance.ownAddress,
    __meta_consul_service_port: String(instance.port),
    __meta_consul_tags: `,${instance.tags.join(',')},`,
    __meta_consul_health: healthOf(instance),
    ...prefixed('__meta_consul_metadata_', node.meta),
    ...prefixed('__meta_consul_service_metadata_', instance.meta),
    ...prefixed('__meta_consul_tagged_address_', node.taggedAddresses),
    __meta_baton_weight_passing: String(weights.passing),
    __meta_baton_weight_warning: String(weights.warning),
  }
}

const prefixed = (prefix: string, values: Labels): Labels =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + labelName(name), value]))

/** Returns the worst state of all checks, as Consul's client computes it. */
function healthOf({checks}: ServiceInstance): string {
  if (checks.some(({checkId}) => checkId === '_node_maintenance' || checkId.startsWith('_service_maintenance:'))) {
    return 'maintenance'
  }
  return ['critical', 'warning'].find(state => checks.some(({status}) => status === state)) ?? 'passing'
}
