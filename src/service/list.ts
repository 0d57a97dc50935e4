import type {LocalService} from '../core/api/agent.js'
import type {ConsulClient} from '../core/client.js'
import type {CallOptions} from '../core/types.js'

/** One of the agent's services, with its health. */
export interface ServiceHealth extends LocalService {
  /** `maintenance`, `critical`, `warning` or `passing`: the worst state of the checks. */
  readonly state: string
  readonly checks: readonly {
    readonly id: string
    readonly name: string
    readonly state: string
    readonly output: string
  }[]
}

const states = ['maintenance', 'critical', 'warning', 'passing']

/** Returns the agent's services, sorted by ID, each with the worst state of its own checks and of the node's checks. */
export async function listServices(client: ConsulClient, options: CallOptions = {}): Promise<readonly ServiceHealth[]> {
  const [services, checks] = await Promise.all([client.agent.services(options), client.agent.checks(options)])
  return services
    .map(service => {
      const own = checks
        .filter(({serviceId}) => serviceId === service.id || serviceId === '')
        .map(({checkId, name, status, output}) => ({
          id: checkId,
          name,
          state: /^_(node|service)_maintenance/.test(checkId) ? 'maintenance' : status,
          output,
        }))
      return {
        ...service,
        state: states.find(state => own.some(check => check.state === state)) ?? 'passing',
        checks: own,
      }
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}
