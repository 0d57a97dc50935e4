import {messageOf} from '../../core/errors.js'
import type {EventNotice, MissedEvents} from '../../event/notices.js'

/** When to print a notice: `warn` unless --quiet is given, `say` on a terminal or with --verbose. */
export interface NoticeLine {
  readonly level: 'warn' | 'say'
  readonly text: string
}

/**
 * Returns the lines that describe one notice of a watch of events. `source` is what the watch reads: the events of the
 * agent, or the log of durable events.
 */
export function noticeLines(notice: EventNotice, address: string, source: 'agent' | 'log'): readonly NoticeLine[] {
  switch (notice.type) {
    case 'watch.started': {
      const subject = source === 'agent' ? 'the agent lists' : 'the log holds'
      const started = {level: 'say', text: `watching; ${subject} ${notice.listedCount} events`} as const
      return notice.isFiltered
        ? [started, warn(`the token may not read all of the ${source === 'log' ? 'log' : "agent's events"}`)]
        : [started]
    }
    case 'outage.began':
      return [warn(`agent ${address}: ${messageOf(notice.error)}; retrying until it answers`)]
    case 'outage.ended':
      return [{level: 'say', text: `agent ${address}: answers again`}]
    case 'events.missed':
      return [warn(`events were missed: ${whyMissed(notice)}`)]
    case 'handler.failed': {
      const {events, attempt, error} = notice
      return [warn(`event ${events[0]?.id ?? ''}: attempt ${attempt} failed: ${messageOf(error)}`)]
    }
    case 'entry.rejected':
      return [warn(`event ${notice.id}: ignored: ${notice.reason}`)]
    case 'log.doubted':
      return [warn(`the log appears empty, ignored: ${notice.reason}`)]
  }
}

const warn = (text: string): NoticeLine => ({level: 'warn', text})

function whyMissed(missed: MissedEvents): string {
  switch (missed.reason) {
    case 'pruned':
      return `the log was pruned up to ${missed.through}, which was never seen here`
    case 'overflow':
      return `the agent keeps ${missed.listedCount}, and none of them is known`
    case 'restart': {
      const since = missed.sinceMs === undefined ? 'since the last watch' : `from ${toIso(missed.sinceMs)}`
      return `the agent was restarted: events fired ${since} until ${toIso(missed.untilMs)} are unknown`
    }
  }
}

const toIso = (wallMs: number): string => new Date(wallMs).toISOString()
