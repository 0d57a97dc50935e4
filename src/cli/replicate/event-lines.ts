import {messageOf} from '../../core/errors.js'
import type {ReplicationPass, ReplicatorEvent} from '../../replicate/types.js'

/** Returns the line of `--ndjson` for an event; undefined for events of single keys and transactions. */
export function eventFields(event: ReplicatorEvent, wallMs: number): Readonly<Record<string, unknown>> | undefined {
  const time = new Date(wallMs).toISOString()
  if (event.type === 'pass.finished') return {type: 'pass', time, ...passFields(event.pass)}
  if ('elapsedMs' in event) {
    const [part, type] = event.type.split('.')
    const {mapping, elapsedMs} = event
    const common = {type, time, part, ...(mapping && {mapping}), elapsedMs: Math.round(elapsedMs)}
    if (!('error' in event)) return common
    const {error, currentAtMs} = event
    return {
      ...common,
      ...(error !== undefined && {reason: messageOf(error)}),
      ...(currentAtMs !== undefined && {currentAt: new Date(currentAtMs).toISOString()}),
    }
  }
  return event.type === 'approval.finished' || event.type === 'approval.refused' ? {time, ...event} : undefined
}

function passFields({error, ...pass}: ReplicationPass): Readonly<Record<string, unknown>> {
  return {...pass, ...(error !== undefined && {error: messageOf(error)})}
}
