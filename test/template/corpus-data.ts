import {raw} from '../kit/raw-consul.js'

/** Data that the templates of the corpus read. Its nodes are external, so no agent changes them. */
export interface CorpusData {
  readonly nodes: readonly Readonly<Record<string, unknown>>[]
  /** Name of the node, the service, and the state of the service's check. */
  readonly services: readonly (readonly [string, {readonly ID: string}, string])[]
  readonly keys: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
}

/** Writes the data of the corpus to Consul. */
export async function loadCorpusData(address: string, data: CorpusData): Promise<void> {
  const consul = raw(address)
  const register = (body: object): Promise<unknown> =>
    consul.ok('PUT', '/v1/catalog/register', {body: JSON.stringify(body)})
  for (const node of data.nodes) await register(node)
  for (const [name, service, status] of data.services) {
    const check = {CheckID: `c:${service.ID}`, Name: 'check', Status: status, ServiceID: service.ID}
    await register({...data.nodes.find(node => node['Node'] === name), Service: service, Check: check})
  }
  for (const [key, value] of Object.entries(data.keys)) await consul.kvPut(key, value)
}
