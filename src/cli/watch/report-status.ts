import {isTransient, messageOf} from '../../core/errors.js'
import type {ViewRegistry, ViewStatus} from '../../core/query/types.js'
import type {WatchQuery} from '../../watch/query.js'
import {describeWatch} from '../../watch/spec.js'
import type {Output} from '../output.js'

/**
 * Until the signal aborts, reports when the watched data cannot be read although Consul answers, and when it can be
 * read again.
 */
export async function reportStatus(
  views: ViewRegistry,
  query: WatchQuery,
  {out, signal}: {readonly out: Output; readonly signal: AbortSignal},
): Promise<void> {
  let isTroubled = false
  try {
    await using subscription = views.view(query).subscribe({signal})
    for await (const frame of subscription.frames()) {
      if (frame.type !== 'status') continue
      const {status} = frame
      const trouble = troubleOf(status)
      if (trouble !== '') out.warn(`${describeWatch(query.spec)}: ${trouble}`)
      else if (isTroubled && status.state === 'live') out.say(`${describeWatch(query.spec)}: live again`)
      isTroubled = trouble !== ''
    }
  } catch {
    // No report is needed here, because the watch itself reports why its view ended.
  }
}

const heldTexts = {
  empty: 'an empty answer is ignored: the leader does not confirm it',
  filtered: 'an empty answer is ignored: the token may not read everything',
  'no-leader': 'an empty answer is ignored: there is no leader',
  denied: 'permission denied: the token may no longer read everything that exists',
} as const

/**
 * Returns why a view is not live. Returns an empty text if the view is live, and also if Consul does not answer,
 * because the client reports that.
 */
function troubleOf(status: ViewStatus): string {
  const error = 'error' in status ? status.error : undefined
  if (error !== undefined && isTransient(error)) return ''
  if (status.state === 'stale') return messageOf(status.error)
  if (status.state === 'held') return heldTexts[status.reason]
  return status.state === 'connecting' && error !== undefined ? messageOf(error) : ''
}
