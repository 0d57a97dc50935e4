import {messageOf} from '../../core/errors.js'
import {formatMapping} from '../../replicate/mapping.js'
import {printable} from '../../replicate/plan/held.js'
import type {
  Held,
  Mapping,
  PlannedChange,
  ReplicationPass,
  ReplicationPreview,
  ReplicatorEvent,
} from '../../replicate/types.js'
import {inSeconds} from '../wait-aloud.js'

/** Returns one line about a replication pass. */
export function passLine(pass: ReplicationPass): string {
  const counts = [
    `${pass.written} written`,
    `${pass.deleted} deleted`,
    `${pass.unchanged} unchanged`,
    ...(pass.skipped > 0 ? [`${pass.skipped} skipped`] : []),
    ...(pass.drifted.length > 0 ? [`${pass.drifted.length} changed there`] : []),
    ...(pass.held.length > 0 ? [`${pass.held.reduce((sum, held) => sum + held.count, 0)} held`] : []),
    ...(pass.refused.length > 0 ? [`${pass.refused.length} refused`] : []),
  ]
  return `${formatMapping(pass.mapping)}: ${counts.join(', ')}`
}

const shownCount = 10

/** Returns a line about deletes that are held back, and how to approve them. */
export const heldLine = ({message, reason, id, isKept}: Held): string => {
  if (reason === 'hidden' || reason === 'no-leader') return message
  return `${message}; to delete them: ${isKept ? 'baton replicate approve' : '--once --approve'} ${id}`
}

/** True if the deletes are held back for approval, but are not stored as a set yet. */
export const isGathering = ({reason, isKept}: Held): boolean => !isKept && reason !== 'hidden' && reason !== 'no-leader'

/**
 * Yields lines about keys that were not copied, with the reasons. Names at most ten keys of each
 * kind.
 */
export function* keyTroubles(pass: ReplicationPass): Generator<string> {
  const where = subject(pass.mapping)
  for (const {key, reason} of pass.refused.slice(0, shownCount)) {
    yield `${where}: ${printable(key)} refused: ${reason.replaceAll(/\s+/g, ' ')}`
  }
  if (pass.refused.length > shownCount) yield `${where}: ${pass.refused.length - shownCount} more keys refused`
  for (const key of pass.unreadable.slice(0, shownCount)) {
    yield `${where}: ${JSON.stringify(key)} skipped: Consul shows U+FFFD for bytes that are not UTF-8, so this name may be another key's`
  }
  if (pass.unreadable.length > shownCount) yield `${where}: ${pass.unreadable.length - shownCount} more keys skipped`
}

/** Returns a line about keys that other clients have changed. */
export function driftLine(mapping: string, keys: readonly string[]): string {
  const names = keys.slice(0, shownCount).map(printable).join(', ')
  const more = keys.length > shownCount ? ', …' : ''
  const what = keys.length === 1 ? '1 key was' : `${keys.length} keys were`
  return `replicate ${mapping}: ${what} changed at the destination by another client, and ${keys.length === 1 ? 'is' : 'are'} left alone: ${names}${more}`
}

const marks: Readonly<Record<PlannedChange['kind'], string>> = {create: '+', update: '~', delete: '-'}

/** Returns `+ key`, `~ key (flags)` or `- key`. */
export function changeLine(change: PlannedChange): string {
  const what = change.differs === undefined ? '' : ` (${change.differs === 'both' ? 'value, flags' : change.differs})`
  return `${marks[change.kind]} ${printable(change.key)}${what}`
}

export const differs = (preview: ReplicationPreview): boolean =>
  preview.changes.length > 0 || preview.held.length > 0 || preview.drifted.length > 0

export function previewLine(preview: ReplicationPreview): string {
  const count = (kind: PlannedChange['kind']): number => preview.changes.filter(change => change.kind === kind).length
  const held = preview.held.reduce((sum, each) => sum + each.count, 0)
  const words = [
    `${count('create')} to create`,
    `${count('update')} to update`,
    `${count('delete')} to delete`,
    ...(held > 0 ? [`${held} deletes held`] : []),
    `${preview.unchanged} equal`,
    ...(preview.skipped > 0 ? [`${preview.skipped} skipped`] : []),
    ...(preview.drifted.length > 0 ? [`${preview.drifted.length} changed there`] : []),
  ]
  return `${formatMapping(preview.mapping)}: ${words.join(', ')}`
}

/** Returns a line about an approval or an undo by another command; undefined for other events. */
export function approvalLine(event: ReplicatorEvent): string | undefined {
  if (event.type === 'undo.noticed') {
    const those = event.count === 1 ? '1 undone key is' : `${event.count} undone keys are`
    return `${subject(event.mapping)}: ${those} left alone until the source changes them (baton replicate undo --release all ends it)`
  }
  if (event.type === 'approval.refused') {
    return `${subject(event.mapping)}: the approval of ${event.id} is not valid: ${event.reason}`
  }
  if (event.type !== 'approval.finished') return undefined
  const kept = event.kept === 0 ? '' : `, ${event.kept} kept: they were written since, exist at the source, or are gone`
  return `${subject(event.mapping)}: ${event.id} approved: ${event.deleted} deleted${kept}`
}

const partNames = {agent: 'the agent', source: 'the source', destination: 'the destination', pass: 'the next pass'}

/** Returns a line about the beginning or the end of an outage; undefined for other events. */
export function outageLine(event: ReplicatorEvent): string | undefined {
  if (!('elapsedMs' in event)) return undefined
  const [part, what] = event.type.split('.') as [keyof typeof partNames, 'retrying' | 'recovered']
  const where = subject(event.mapping)
  const elapsed = inSeconds(event.elapsedMs)
  if (what === 'recovered')
    return `${where}: ${part === 'pass' ? 'copying again' : `${partNames[part]} answers`} after ${elapsed}`
  const failure = 'error' in event ? event.error : undefined
  const reason = failure === undefined ? 'no answer yet' : messageOf(failure)
  const name = part === 'pass' && failure === undefined ? 'Consul' : partNames[part]
  const current = 'currentAtMs' in event ? event.currentAtMs : undefined
  const stale = current === undefined ? '' : `; the copy is stale since ${timeText(current)}`
  return `${where}: waiting for ${name}: ${reason.replaceAll(/\s+/g, ' ')} (for ${elapsed}${stale})`
}

const timeText = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`

const subject = (mapping: Mapping | undefined): string =>
  mapping === undefined ? 'replicate' : `replicate ${formatMapping(mapping)}`
