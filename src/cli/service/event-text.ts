import {messageOf} from '../../core/errors.js'
import {formatDuration} from '../../core/time/duration.js'
import {exitText} from '../../service/run-service.js'
import type {ServiceEvent} from '../../service/types.js'

/** A line about an event. A warning (`isWarning`) is printed even if stderr is not a terminal. */
export interface EventText {
  readonly text: string
  readonly isWarning: boolean
}

/** Returns the line about an event of `service run`; undefined if the event is not reported. */
export function eventText(event: ServiceEvent): EventText | undefined {
  const say = (text: string): EventText => ({text, isWarning: false})
  const warn = (text: string): EventText => ({text, isWarning: true})
  switch (event.type) {
    case 'service.registered':
      return say('registered')
    case 'service.removed':
      return say('removed')
    case 'service.restored':
      return warn('registered again: the agent had lost it')
    case 'registration.delayed':
      return warn(`not registered yet, the program runs: ${messageOf(event.error)}`)
    case 'registration.failed':
      return warn(`not registered, the program runs on without it: ${messageOf(event.error)}`)
    case 'heartbeat.failed':
      return warn(`heartbeat failed, further ones follow: ${messageOf(event.error)}`)
    case 'deregistration.failed':
      return warn(`not removed: ${messageOf(event.error)}; its check turns critical when its TTL has passed`)
    case 'state.changed': {
      const [firstLine = ''] = event.note.split('\n', 1)
      const text = `${event.state}: ${firstLine}`
      return event.state === 'passing' ? say(text) : warn(text)
    }
    case 'child.started':
      return say(`program started, pid ${event.pid}`)
    case 'child.exited':
      if (event.restartMs === undefined) return undefined
      return warn(
        `program ended: ${exitText(event.exit)}; started again in ${formatDuration(Math.round(event.restartMs))}`,
      )
    case 'guardian.failed':
      return warn(`no guardian (${event.why}): if baton is killed, the program runs on, and its check turns critical`)
  }
}
