import {messageOf} from '../../core/errors.js'
import type {ChildEvent} from '../../template/supervisor.js'
import type {TemplateEvent} from '../../template/types.js'

/** A line of output that describes an event. */
export interface EventLine {
  readonly text: string
  readonly kind: 'say' | 'warn' | 'error'
}

/** Returns the line about an event; undefined if the event is not reported. */
export function templateLine(event: TemplateEvent): EventLine | undefined {
  const {name} = event.template
  switch (event.type) {
    case 'rendered':
      return undefined
    case 'written':
      return {kind: 'say', text: `wrote ${event.destination}`}
    case 'failed':
      return {kind: 'error', text: `${event.error.message}; the file stays as it is`}
    case 'refused': {
      const check = event.template.check?.text ?? ''
      return {
        kind: 'error',
        text: `template ${name}: the check failed, no file was changed: ${check}: ${why(event.error)}`,
      }
    }
    case 'command failed':
      return {kind: 'error', text: `the command of template ${name} failed: ${event.command.text}: ${why(event.error)}`}
    case 'rolled back':
      return {kind: 'warn', text: `${event.destination}: the old file is back`}
    case 'waiting': {
      // A missing first answer from Consul is not reported here. If it takes long, the client itself reports it.
      const stuck = event.missing.filter(part => part.why !== 'no answer yet')
      if (stuck.length === 0) return undefined
      return {kind: 'warn', text: `${name}: waits for ${stuck.map(part => `${part.name}: ${part.why}`).join(', ')}`}
    }
  }
}

/** Removes the name of the shell from an error, because the message already contains the command. */
const why = (error: unknown): string => messageOf(error).replace(/^handler \S+: /, '')

/** Returns the line about an event of the child. */
export function childLine(event: ChildEvent): EventLine {
  if (event.type === 'unguarded') {
    return {kind: 'warn', text: `no guardian (${event.why}): if baton is killed, the child keeps running`}
  }
  const {exit, restartMs} = event
  const how = exit.signal === undefined ? `exit code ${exit.code}` : `killed by ${exit.signal}`
  return {kind: 'warn', text: `the child ended (${how}), it is started again in ${(restartMs / 1000).toFixed(1)}s`}
}
