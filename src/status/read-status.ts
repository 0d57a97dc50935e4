import {readers} from './parts.js'
import type {StatusContext, StatusPartName, StatusParts} from './types.js'

/** The parts that could be read, and the errors of the others. */
export interface ClusterStatus {
  readonly parts: Partial<StatusParts>
  readonly problems: ReadonlyMap<StatusPartName, unknown>
}

/** The order in which parts are shown. */
const partNames = Object.keys(readers) as readonly StatusPartName[]

/**
 * Reads all parts at the same time, so a part that cannot be read does not prevent the others. The parts may show
 * different moments. Rejects if Consul does not answer a read that needs no permission, and with the signal's reason if
 * the signal aborts.
 */
export async function readStatus(context: StatusContext): Promise<ClusterStatus> {
  await context.client.catalog.datacenters({signal: context.signal})
  const problems = new Map<StatusPartName, unknown>()
  const read = async (name: StatusPartName): Promise<Partial<StatusParts>> => {
    try {
      return {[name]: await readers[name](context)}
    } catch (error) {
      context.signal.throwIfAborted()
      problems.set(name, error)
      return {}
    }
  }
  const parts = Object.assign({}, ...(await Promise.all(partNames.map(read)))) as Partial<StatusParts>
  return {parts, problems}
}
