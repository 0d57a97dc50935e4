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
 * Reads all parts at the same time, so a part that cannot be read does not prevent the others. Parts may be of different
 * moments. Rejects with the first error if Consul answers none of the reads, and with the signal's reason if it aborts.
 */
export async function readStatus(context: StatusContext): Promise<ClusterStatus> {
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
  const fromConsul = [parts.agent, parts.locks, parts.exec, parts.replication]
  if (fromConsul.every(part => part === undefined)) throw problems.get('locks')
  return {parts, problems}
}
