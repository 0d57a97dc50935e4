import {describe, expect, it} from 'vitest'
import type {UserEvent} from '../../../src/core/types.js'
import {eventsSince} from '../../../src/event/since.js'

const idOf = (at: number): string => `d1372b3a-c245-049b-11f0-00000000000${at}`
const event = (at: number): UserEvent =>
  ({id: idOf(at), name: 'deploy', lTime: BigInt(at * 10)}) as Partial<UserEvent> as UserEvent
const list = [event(1), event(2), event(3)]
const ids = (since: string): unknown => eventsSince(list, since).events.map(({id}) => id)

describe('eventsSince', () => {
  it('returns the events listed after an ID, which may be in upper or lower case', () => {
    expect([ids(idOf(1)), ids(idOf(3)), ids(idOf(2).toUpperCase())]).toEqual([[idOf(2), idOf(3)], [], [idOf(3)]])
    expect(eventsSince(list, idOf(1)).isListed).toBe(true)
  })

  it('returns the events with a later Lamport time', () => {
    expect([ids('0'), ids('20'), ids('25'), ids('30')]).toEqual([[1, 2, 3].map(idOf), [idOf(3)], [idOf(3)], []])
  })

  it('returns all events, with isListed false, if the list does not contain the ID', () => {
    expect(eventsSince(list, idOf(9))).toEqual({events: list, isListed: false})
    expect(eventsSince(list, '01M80EBFA4YK0XC4Y52VH1XFSG').isListed).toBe(false)
  })

  it.each(['', 'yesterday', '-1', '1h', 'd1372b3a'])('refuses %j', since => {
    expect(() => eventsSince(list, since)).toThrow(/neither the ID of an event nor a Lamport time/)
  })
})
