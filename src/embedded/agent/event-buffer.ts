import {RE2JS} from 're2js'
import type {UserEventRow} from './user-event.js'

const capacity = 256

/** The events that one agent has received and kept, oldest first. */
export class EventBuffer {
  readonly #events: UserEventRow[] = []
  readonly #waiters = new Set<() => void>()

  push(event: UserEventRow): void {
    this.#events.push(event)
    if (this.#events.length > capacity) this.#events.shift()
    for (const waiter of [...this.#waiters]) waiter()
  }

  list = (name: string): readonly UserEventRow[] =>
    name === '' ? [...this.#events] : this.#events.filter(event => event.name === name)

  onPush(waiter: () => void): () => void {
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  clear(): void {
    this.#events.length = 0
  }
}

export interface Audience {
  readonly node: string
  readonly services: readonly {readonly id: string; readonly tags: readonly string[]}[]
}

const matches = (pattern: string, text: string): boolean => RE2JS.compile(pattern).matcher(text).find()

/**
 * True if the agent keeps the event: the node filter matches the agent's name, and the service and tag filters match
 * one of its services.
 */
export function concerns(event: UserEventRow, audience: Audience): boolean {
  if (event.nodeFilter !== '' && !matches(event.nodeFilter, audience.node)) return false
  if (event.serviceFilter === '') return true
  return audience.services.some(
    service =>
      matches(event.serviceFilter, service.id) &&
      (event.tagFilter === '' || service.tags.some(tag => matches(event.tagFilter, tag))),
  )
}
